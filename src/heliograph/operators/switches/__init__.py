"""Which models are switched off, known to all processes within a second."""
