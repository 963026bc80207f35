"""Heliograph's offline picture maker: a procedural renderer with neural style transfer.

It is no diffusion model and says so: every picture names the engine in its metadata, and the
words of a prompt that it did not understand come back as warnings. This module is the only
face; importing it loads none of the drawing libraries, which live in child processes.
"""

from heliograph_studio.order import Order, Picture, StudioError
from heliograph_studio.studio import Studio, warm_up
from heliograph_studio.version import __version__

__all__ = ["Order", "Picture", "Studio", "StudioError", "__version__", "warm_up"]
