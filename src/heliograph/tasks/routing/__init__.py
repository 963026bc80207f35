"""Which provider a task goes to next, and when its turn is."""
