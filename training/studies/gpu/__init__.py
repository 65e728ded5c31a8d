"""What a GPU is asked once."""
