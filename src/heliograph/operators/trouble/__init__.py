"""What stands still, and what is slow."""
