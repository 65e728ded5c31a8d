"""Single pictures: listing them, reading them, and reading the faces in them."""
