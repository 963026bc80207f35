"""Sessions, by which people are signed in at the pages, and the links that open them."""
