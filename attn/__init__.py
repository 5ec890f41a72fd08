"""Train, search and compare attention models for translation; every part is chosen by name."""

__version__ = "0.1.0"
