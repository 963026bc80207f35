"""What a check of `heliograph doctor` found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One finding. `remedy` is None when nothing is to be done."""

    what: str
    ok: bool
    found: str
    remedy: str | None = None
