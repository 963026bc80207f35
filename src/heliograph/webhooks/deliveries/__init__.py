"""NOUN: deliveries, the notices as their owners see them."""
