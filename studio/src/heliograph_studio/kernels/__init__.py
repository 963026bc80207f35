"""The compiled part: one renderer, fed by tables, the same for every picture."""
