"""What operators have done: rows that are only ever added."""
