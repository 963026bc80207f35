"""The money: how it moves, and the proof that it is right."""
