"""Operations on files."""

from collections.abc import Iterator

from heliograph.api.described.operation import ALWAYS, KEYED, TASK_ID, Operation
from heliograph.api.uploads import UploadedFile
from heliograph.api.wire import RangeNotSatisfiable, Success
from heliograph.base.errors import (
    BadRequest,
    Gone,
    NotFound,
    TooLarge,
    TooManyRequests,
    UnsupportedMediaType,
)

BINARY = {"schema": {"type": "string", "format": "binary"}}
FORM = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}},
    }
}


def file_operations() -> Iterator[Operation]:
    """Giving and fetching pictures."""
    yield _upload()
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
            Gone(
                "The file has been deleted: its retention time is over, or the task's data was deleted"
            ),
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


def _upload() -> Operation:
    types = ("image/png", "image/jpeg", "image/webp", "image/bmp", "application/octet-stream")
    return Operation(
        "POST",
        "/api/v1/files",
        "uploadFile",
        "Files",
        "Upload a picture",
        "Checks the picture as a reference image and keeps it for a while, upright and without metadata."
        " Use the `url` of the answer in `image_urls`: it is read without a network round trip.",
        [
            BadRequest(
                "file: The picture has a transparent part (alpha). Save it without transparency.",
                "file",
            ),
            TooLarge("The body is over the limit of 10,485,760 bytes"),
            UnsupportedMediaType(
                "Send the picture as multipart/form-data in a field named file, or as the body itself"
                " with Content-Type: image/png, image/jpeg, image/webp or image/bmp, not text/plain"
            ),
            TooManyRequests(
                "The account keeps 1000 uploads, its limit. Wait until some have expired.", 60
            ),
            *KEYED,
        ],
        answer=Success[UploadedFile],
        examples={
            "kept": {
                "url": "https://images.example.com/files/uploads/5d41402abc4b2a76b9719d911017c592.png",
                "width": 1280,
                "height": 720,
                "sizeBytes": 1048213,
                "expiresTime": 1768570452317,
            }
        },
        body_content={"multipart/form-data": FORM, **dict.fromkeys(types, BINARY)},
        keyed=True,
    )
