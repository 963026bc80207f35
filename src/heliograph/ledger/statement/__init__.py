"""The statement of an account: every movement of its money, in order."""
