"""NOUN: operators, who look after the service: what they see, what they do, and the log of it."""
