"""How far the books have been proved, so that the next proof can go on from there."""
