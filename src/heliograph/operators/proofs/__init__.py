"""Runs of the audit, with what each has found."""
