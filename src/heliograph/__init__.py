"""Heliograph: a self-hosted image-generation task service. Read the folders from top to bottom: ways in, wiring, spine, nouns, ways out, base."""
