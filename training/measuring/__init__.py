"""What a network is worth: figures with intervals, reports, pictures."""
