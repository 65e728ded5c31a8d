"""EM routing beside the plain loops and beside a convolution."""
