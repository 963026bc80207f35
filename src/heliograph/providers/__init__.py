"""Makers of pictures: one file per provider, one contract (`provider.py`)."""
