"""IN: other shapes of the same engine, through which existing tools come in."""
