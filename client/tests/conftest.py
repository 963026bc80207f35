"""The stand-in of the hosted API, and a client of each kind for it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from both_clients import KINDS, opened
from hosted_api import KEY, HostedApi, Time, hosted_api

MakeClient = Callable[..., Any]


@pytest.fixture
def hosted() -> Iterator[HostedApi]:
    with hosted_api() as api:
        yield api


@pytest.fixture
def passing() -> Time:
    """The time of the clients of this test."""
    return Time()


@pytest.fixture(params=KINDS)
def make_client(
    request: pytest.FixtureRequest, hosted: HostedApi, passing: Time
) -> Iterator[MakeClient]:
    """Makes clients of the stand-in, of the one kind and then of the other."""
    with ExitStack() as stack:

        def make(*, base_url: str | None = None, api_key: str = KEY, **options: Any) -> Any:
            return stack.enter_context(
                opened(request.param, api_key, base_url or hosted.url, time=passing, **options)
            )

        yield make


@pytest.fixture
def client(make_client: MakeClient) -> Any:
    return make_client()
