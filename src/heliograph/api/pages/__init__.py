"""What the playground, the console and the operator pages have in common: how they are made and answered."""
