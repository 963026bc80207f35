"""Requests that were sent before: the same key and request, the same answer, no second charge."""
