"""The customer's console: what an account has asked for, was told and has paid, as a page."""
