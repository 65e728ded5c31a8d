"""Faces with a part hidden: in training batches, in what a model is measured on, and for the visibility network."""
