"""Gabor features at work: pictures of the bank and of what it finds, and the study that tests the thesis's claims."""
