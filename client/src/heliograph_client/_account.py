"""Where the server is, who asks, what is left to spend, and what can be asked for."""

import os

from heliograph_client._answers import Model, read_models
from heliograph_client._api import Api
from heliograph_client._wire import Request
from heliograph_client.errors import NoAnswer, NoKey

DEFAULT_BASE_URL = "http://127.0.0.1:8080"

#: The hosted API documents its base URL with this at its end.
VERSION_PATH = "/api/v1"


def find_key(api_key: str | None) -> str:
    """`api_key`, or that of HELIOGRAPH_API_KEY. Raises NoKey."""
    key = api_key or os.environ.get("HELIOGRAPH_API_KEY")
    if not key:
        raise NoKey("No API key: set HELIOGRAPH_API_KEY or pass one.")
    return key


def find_base_url(base_url: str | None) -> str:
    """`base_url`, or that of HELIOGRAPH_BASE_URL, or this machine. Raises NoAnswer for no web address."""
    url = base_url or os.environ.get("HELIOGRAPH_BASE_URL") or DEFAULT_BASE_URL
    if not url.startswith(("http://", "https://")):
        raise NoAnswer(f"{url} is no base URL: it must start with http:// or https://", sent=False)
    return url.rstrip("/").removesuffix(VERSION_PATH)


async def balance(api: Api) -> float:
    """What can be spent, in dollars."""
    return await api.get(float, Request("GET", "/api/v1/apikeys/current-balance"))


async def models(api: Api) -> tuple[Model, ...]:
    """What can be asked for on this server."""
    return await api.get(read_models, Request("GET", "/api/v1/models"))
