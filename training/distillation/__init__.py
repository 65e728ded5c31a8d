"""Data distillation: a trained network labels every set for the tasks it lacks, and a student learns from the union."""
