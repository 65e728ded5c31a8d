"""Errors of training; every text says what was expected, what was found and what to do next."""


class DatasetError(ValueError):
    """A data set is missing or malformed; the text names the file and, where there is one, the line."""


class MissingDatasetError(DatasetError):
    """A data set is not in the folder that was named."""


class RecipeError(ValueError):
    """A recipe or its configuration is wrong."""
