"""A package that is run with -m; its own module is imported before __main__ runs."""
VERSION = 1
