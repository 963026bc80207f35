"""Which storage the settings name, and what they may not say."""

from pathlib import Path

import pytest

from heliograph.base.errors import OperatorError
from heliograph.base.settings import load_settings
from heliograph.storage.disk import DiskStorage
from heliograph.storage.opening import open_storage
from heliograph.storage.s3 import S3Storage
from heliograph.storage.storage import Storage

SECRET = "a-secret-that-no-message-may-show"


def opened(tmp_path: Path, **settings: str) -> Storage:
    return open_storage(
        load_settings(
            {"HELIOGRAPH_DATA_DIR": str(tmp_path)}
            | {f"HELIOGRAPH_{name.upper()}": value for name, value in settings.items()}
        )
    )


async def test_a_folder_is_the_default_and_can_be_named(tmp_path: Path):
    for settings, folder in (
        ({}, tmp_path / "files"),
        ({"storage_url": f"file://{tmp_path}/my%20pictures"}, tmp_path / "my pictures"),
    ):
        storage = opened(tmp_path, **settings)
        assert isinstance(storage, DiskStorage)
        await storage.write("a", b"1")
        assert (folder / "a").read_bytes() == b"1"


async def test_a_bucket_is_named_with_its_prefix(tmp_path: Path):
    for settings, signed in (({}, False), ({"storage_signed_urls": "true"}, True)):
        storage = opened(tmp_path, storage_url="s3://pictures/a/b/", **settings)
        assert isinstance(storage, S3Storage)
        assert storage.signed_urls is signed


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3:///prefix",
        "s3://[",
        "s3://user:password@bucket/prefix",
        "s3://bucket:9000/prefix",
        "s3://Bucket",
        "s3://bucket/../other",
        "s3://bucket/a//b",
        "s3://bucket/a?endpoint=x",
        "http://user:password@bucket.example.com/",
        "file://host/path",
        "pictures",
    ],
)
def test_an_address_that_is_none_stops_the_start_and_shows_no_password(tmp_path: Path, url: str):
    with pytest.raises(OperatorError, match="HELIOGRAPH_STORAGE_URL") as raised:
        opened(tmp_path, storage_url=url)
    assert "password@" not in str(raised.value)


def test_a_folder_signs_nothing(tmp_path: Path):
    with pytest.raises(OperatorError, match=r"only a bucket can sign"):
        opened(tmp_path, storage_signed_urls="true")


@pytest.mark.parametrize("name", ["AWS_CONDITIONAL_PUT", "AWS_ENDPOINT", "AWS_ENDPOINT_URL"])
def test_variables_that_cannot_be_stop_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    monkeypatch.setenv(name, SECRET)
    with pytest.raises(OperatorError, match=r"AWS_… variables") as raised:
        opened(tmp_path, storage_url="s3://pictures")
    assert SECRET not in str(raised.value)
