"""The version that is part of every picture: same seed and version, same bytes."""

__version__ = "0.1.0"
