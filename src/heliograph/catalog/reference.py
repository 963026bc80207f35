"""A reference picture that has been fetched, checked and normalised."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    """One of the pictures that an edit starts from: an RGB PNG, or a JPEG, without alpha.

    `width` and `height` are in pixels and those of `data`.
    """

    data: bytes
    content_type: str
    width: int
    height: int
