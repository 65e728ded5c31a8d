"""Measuring engines: speed, the processor's floor, endurance, agreement with the reference."""
