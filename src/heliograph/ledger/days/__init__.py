"""What an account was charged, day by day."""
