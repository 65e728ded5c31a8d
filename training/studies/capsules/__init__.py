"""Capsules beside convolutions of the same size."""
