"""Endings in the database."""
