"""NOUN: inboxes, receivers that Heliograph keeps itself, for development without a public address."""
