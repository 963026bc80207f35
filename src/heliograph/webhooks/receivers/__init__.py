"""NOUN: receivers that are in trouble: they fail, are paused, or want no more."""
