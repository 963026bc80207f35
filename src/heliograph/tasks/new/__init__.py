"""New tasks: written, paid for and queued."""
