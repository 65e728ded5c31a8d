"""Commands of `python -m training` that belong to no other folder."""
