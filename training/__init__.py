"""Makes the networks: data sets, networks, losses, recipes, the loop, measuring and export. PyTorch lives only here."""

import engines  # noqa: F401  (switches off the usage reports of the libraries that training imports too)
