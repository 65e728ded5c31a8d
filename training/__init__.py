"""Makes the networks: data sets, networks, losses, recipes, the loop, measuring and export. PyTorch lives only here."""
