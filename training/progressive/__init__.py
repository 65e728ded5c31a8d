"""A face encoder learned without labels (BEGAN), and columns for one task each that read it and one another."""
