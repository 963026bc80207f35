"""Which storage the settings name."""

import contextlib
import re
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from heliograph.base.errors import OperatorError
from heliograph.base.settings import Settings
from heliograph.storage.disk import DiskStorage
from heliograph.storage.path import names_of
from heliograph.storage.s3 import S3Storage
from heliograph.storage.storage import Storage

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def open_storage(settings: Settings) -> Storage:
    """The storage of HELIOGRAPH_STORAGE_URL, or a folder in the data directory.

    Raises OperatorError for an address that is none, or a folder that cannot be used.
    """
    parts = _split(settings.storage_url or "")
    if parts.scheme == "s3":
        return _open_bucket(parts, signed_urls=settings.storage_signed_urls)
    if settings.storage_signed_urls:
        raise OperatorError(
            "HELIOGRAPH_STORAGE_SIGNED_URLS is true, but only a bucket can sign."
            " Set HELIOGRAPH_STORAGE_URL to s3://bucket/prefix, or remove it."
        )
    if settings.storage_url is None:
        return DiskStorage(settings.data_dir / "files")
    if parts.scheme != "file" or parts.netloc or not parts.path:
        raise OperatorError(
            # not the value itself, which may hold a password
            "HELIOGRAPH_STORAGE_URL is no address of a place for pictures."
            " Write file:///path/to/folder or s3://bucket/prefix."
        )
    return DiskStorage(Path(unquote(parts.path)))


def _split(url: str) -> SplitResult:
    with contextlib.suppress(ValueError):
        return urlsplit(url)
    return urlsplit("")  # which is refused


def _open_bucket(parts: SplitResult, *, signed_urls: bool) -> S3Storage:
    prefix = parts.path.strip("/")
    if not _BUCKET.fullmatch(parts.netloc) or parts.query or parts.fragment or not _is_path(prefix):
        raise OperatorError(
            "HELIOGRAPH_STORAGE_URL must be s3://bucket/prefix: the name of a bucket, and names of"
            " letters, digits, '.', '_' and '-'. Keys and the server's address belong in the"
            " AWS_… variables: docs/operating/storage.md lists them."
        )
    return S3Storage(parts.netloc, prefix, signed_urls=signed_urls)


def _is_path(prefix: str) -> bool:
    with contextlib.suppress(ValueError):
        return not prefix or bool(names_of(prefix))
    return False
