"""Figures that are added up once."""
