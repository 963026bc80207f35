"""NOUN: notices of ended tasks, signed and delivered."""
