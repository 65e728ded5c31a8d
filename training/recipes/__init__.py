"""One recipe a file: configuration, and the experiment it builds."""
