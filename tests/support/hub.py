"""A stand-in for Hugging Face: the few requests that a download makes of it.

`HF_ENDPOINT` leads the library here. Files come as they lie in a folder, in one piece.
"""

import hashlib
import json
from pathlib import Path

from support.web import Web, Writer, head

COMMIT = "c0ffee" * 6 + "c0ff"


def publish(web: Web, model: str, folder: Path) -> None:
    """Offer the files in `folder` as those of `model`."""
    files = {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
    }
    facts = {"id": model, "modelId": model, "sha": COMMIT, "tags": [], "private": False}
    web.answer(f"/api/models/{model}/revision/main", json.dumps(facts).encode())
    tree = [
        {"type": "file", "path": name, "size": path.stat().st_size, "oid": _sum(path)}
        for name, path in files.items()
    ]
    listing = f"/api/models/{model}/tree/{COMMIT}?recursive=true&expand=false"
    web.answer(listing, json.dumps(tree).encode())
    for name, path in files.items():
        for revision in ("main", COMMIT):
            _offer(web, f"/{model}/resolve/{revision}/{name}", path)


def refuse(web: Web, model: str, status: int, code: str) -> None:
    """Answer every request for `model` with this error."""
    headers = {"X-Error-Code": code, "X-Error-Message": f"{code} says the stand-in"}
    web.answer(f"/api/models/{model}/revision/main", status=status, headers=headers)
    web.answer(f"/{model}/resolve/main/model_index.json", status=status, headers=headers)


def _offer(web: Web, path: str, file: Path) -> None:
    data = file.read_bytes()
    headers = {
        "Content-Length": str(len(data)),
        "ETag": f'"{_sum(file)}"',
        "X-Repo-Commit": COMMIT,
    }

    async def respond(writer: Writer) -> None:
        wanted = web.requests[-1].method
        writer.write(head(200, headers) + (b"" if wanted == "HEAD" else data))
        await writer.drain()

    web.handle(path, respond)


def _sum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
