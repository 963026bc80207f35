"""NOUN: what can be asked. Pure: no I/O, no settings, no clock."""
