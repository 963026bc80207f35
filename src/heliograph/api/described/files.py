"""Operations on files."""

from collections.abc import Iterator

from heliograph.api.described.operation import ALWAYS, TASK_ID, Operation
from heliograph.api.wire import RangeNotSatisfiable
from heliograph.base.errors import Gone, NotFound


def file_operations() -> Iterator[Operation]:
    """Fetching results."""
    yield Operation(
        "GET",
        "/files/{path}",
        "resultFile",
        "Files",
        "Fetch a result",
        "The addresses in `resultUrls` lead here. No key is needed: nobody can guess a path."
        " Ranges (one at a time), `If-None-Match` and `If-Range` are understood.",
        [
            NotFound("There is no such file"),
            Gone("The file has been deleted: its retention time is over"),
            RangeNotSatisfiable("The file has 183204 bytes"),
            *ALWAYS,
        ],
        media_type="image/*",
        parameters=[
            {
                "name": "path",
                "in": "path",
                "required": True,
                "description": "As in `resultUrls`; it holds slashes.",
                "schema": {"type": "string"},
                "example": f"{TASK_ID}/1-0-5mVd0sZkqUu3eYxk.png",
            }
        ],
        other_answers={"206": "The asked part of the file.", "304": "The client's copy is good."},
    )
