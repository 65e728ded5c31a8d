"""What answers a question of a paper once."""
