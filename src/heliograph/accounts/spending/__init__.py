"""What keys with a cap have spent."""
