"""What the studio is asked for and what it gives back."""

from dataclasses import dataclass

SMALLEST_SIDE_PX = 64
LARGEST_SIDE_PX = 2048


class StudioError(Exception):
    """A drawing failed; the message says why and may be shown to the caller."""


@dataclass(frozen=True)
class Order:
    """One picture to make.

    `references` are encoded PNG or JPEG pictures: none for a picture from the prompt alone, one
    to three to change given ones. The same order and version give the same bytes.
    """

    prompt: str
    negative_prompt: str
    width: int
    height: int
    seed: int
    references: tuple[bytes, ...] = ()

    def check(self) -> None:
        """Raise StudioError when no child could draw this."""
        for name, side in (("width", self.width), ("height", self.height)):
            if not SMALLEST_SIDE_PX <= side <= LARGEST_SIDE_PX:
                raise StudioError(
                    f"{name} must lie between {SMALLEST_SIDE_PX} and {LARGEST_SIDE_PX}, not {side}"
                )


@dataclass(frozen=True)
class Picture:
    """An encoded PNG, what could not be done as asked, and what was understood.

    Warnings are one sentence each; `scene` is one sentence that names what was drawn.
    """

    png: bytes
    warnings: tuple[str, ...]
    scene: str = ""
