"""Faces in a picture: found, meshed, kept apart over time, smoothed, and which way they look."""
