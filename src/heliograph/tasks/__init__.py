"""SPINE: the life of a task, one file per step."""
