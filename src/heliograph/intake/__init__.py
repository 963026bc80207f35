"""Reference images on their way in: fetched, checked and made uniform."""
