"""The page at `/`: a form for every model, live progress, a gallery, and code for other programs."""
