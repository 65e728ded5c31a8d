"""Pictures of the Gabor bank and of what it finds in a face."""
