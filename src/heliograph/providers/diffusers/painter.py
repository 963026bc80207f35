"""What the process of an engine needs of whoever paints: a module with `load` and `look`."""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from heliograph.providers.diffusers.messages import Order, Ready, Setup

Wanted = Callable[[float], bool]
"""Takes the share done, 0 to 1; tells whether the picture is still wanted."""

Arrived = Callable[[int, int], None]
"""Takes how many bytes of the model are here, and how many there will be."""


class Look(Struct, frozen=True):
    """What was found without loading the model, and what to do about it if not `ok`."""

    ok: bool
    found: str
    remedy: str | None = None


class ModelFault(Exception):
    """A model cannot be used; `remedy` is what the operator can do about it."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class Painter(Protocol):
    """A loaded model."""

    @property
    def ready(self) -> Ready:
        """What it is and what it takes."""

    def paint(self, order: Order, wanted: Wanted) -> bytes | None:
        """The picture as PNG; None once `wanted` has said no, which is asked after every step.

        Raises MemoryError when memory does not suffice, anything else for any other failure.
        """


class PainterModule(Protocol):
    """The module whose name an engine is given."""

    def load(self, setup: Setup, arrived: Arrived) -> Painter:
        """Fetch and load the model. Raises ModelFault, MemoryError."""

    def look(self, setup: Setup) -> Sequence[Look]:
        """Whether the model could be loaded, and where it would run."""
