"""The HTTP API. The web framework appears in this folder and nowhere else."""
