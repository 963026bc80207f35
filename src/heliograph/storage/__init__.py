"""Where pictures are kept."""
