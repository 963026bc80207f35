"""Batches: tasks that are accepted together or not at all, and whose end is told."""
