"""The HTTP API as the tools call it: over a network, or within the process that answers it."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx2
import msgspec

from heliograph.base.errors import Fault

TIMEOUT = httpx2.Timeout(30, connect=10)
PAUSES_SECONDS = (0.5, 2.0)


class Api:
    """One server, asked with one key. `headers` hold the key and go with every question.

    Addresses of pictures that begin with `own_url` are asked for without it.
    """

    def __init__(
        self, http: httpx2.AsyncClient, headers: Mapping[str, str], own_url: str = ""
    ) -> None:
        self._http = http
        self._headers = headers
        self._own_url = own_url

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The data of the answer. Raises Fault with a sentence when it is no good one, or there is none.

        A question that got no answer is asked again: none of the tools asks what must not be asked twice.
        """
        request = self._http.build_request(
            method, path, params=query, json=body, headers={**self._headers, **(headers or {})}
        )
        answer = await self._send(request)
        try:
            envelope = answer.json()
            if answer.is_success:
                return envelope["data"]
            sentence = str(envelope["message"])
        except (ValueError, KeyError, TypeError):
            sentence = f"The server gave an answer that is none of this API ({answer.status_code})."
        raise Fault(sentence)

    async def picture(self, url: str) -> bytes:
        """The bytes of a result; the key stays here. Raises Fault."""
        path = url.removeprefix(self._own_url)
        answer = await self._send(self._http.build_request("GET", path))
        if not answer.is_success:
            raise Fault(f"{url} cannot be fetched: {answer.status_code}")
        return answer.content

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        for pause_seconds in (*PAUSES_SECONDS, None):
            try:
                return await self._http.send(request)
            except httpx2.HTTPError as error:
                if pause_seconds is None:
                    reason = str(error) or type(error).__name__
                    raise Fault(
                        f"The server at {self._http.base_url} does not answer: {reason}"
                    ) from error
            await asyncio.sleep(pause_seconds)
        raise AssertionError("the last try gives an answer or raises")


def plain(value: msgspec.Struct) -> Any:
    """`value` as JSON has it."""
    return msgspec.to_builtins(value)
