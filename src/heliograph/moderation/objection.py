"""Why a text or a picture is not taken."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Objection:
    """`code` is one of the documented failCodes; `why` is for the operator, never for the customer."""

    code: str
    why: str
