"""Work on little data is done at once, on much of it in a thread, and both give and raise the same."""

import threading

import pytest

from heliograph.base.beside import SMALL_BYTES, beside


def where(data: bytes, least: int, *, name: str) -> tuple[str, int, int]:
    if len(data) < least:
        raise ValueError(f"{name} is too short")
    return name, len(data), threading.get_ident()


@pytest.mark.parametrize(("size_bytes", "here"), [(SMALL_BYTES, True), (SMALL_BYTES + 1, False)])
async def test_only_much_data_is_worth_a_thread(size_bytes: int, here: bool):
    name, length, thread = await beside(where, bytes(size_bytes), 2, name="a picture")
    assert (name, length) == ("a picture", size_bytes)
    assert (thread == threading.get_ident()) is here
    with pytest.raises(ValueError, match="a picture is too short"):
        await beside(where, bytes(size_bytes), SMALL_BYTES + 2, name="a picture")
