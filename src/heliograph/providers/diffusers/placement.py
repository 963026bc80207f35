"""Which parts of a model lie in the memory of the graphics processor. Pure."""

from collections.abc import Collection
from typing import Final, Literal

#: What making a picture of our sizes takes beside the weights.
WORKING_BYTES: Final = 3 * 1024**3


def placement(part_bytes: Collection[int], free_bytes: int) -> Literal["whole", "parts", "layers"]:
    """How a model whose parts are `part_bytes` large is kept where `free_bytes` are free.

    `whole` at all times, `parts` one at a time, or `layers` one at a time, which is slow.
    """
    room_bytes = free_bytes - WORKING_BYTES
    if sum(part_bytes) <= room_bytes:
        return "whole"
    return "parts" if max(part_bytes) <= room_bytes else "layers"
