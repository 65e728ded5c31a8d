"""The loop, its checkpoints, and what one step is."""
