"""From `image_urls` to pictures a provider can use: fetched, checked and made uniform."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from heliograph.base.address import check_url
from heliograph.base.errors import OutboundFailed, OutboundRefused, PictureRefused, TaskFault
from heliograph.base.outbound import Outbound
from heliograph.base.places import Places
from heliograph.catalog.model import ReferenceLimits
from heliograph.catalog.reference import Reference
from heliograph.intake.data_url import check_data_url, is_data_url, read_data_url
from heliograph.intake.decode import Decoder
from heliograph.intake.header import judge, judge_size, peek, scan

FETCH_SECONDS = 15.0
# Each may hold 10 MB while it waits for a decoder. One account's pictures come slowly, or never, by half
# of the ways at most.
PICTURES_AT_A_TIME = 32
MOST_OF_ONE_ACCOUNT = PICTURES_AT_A_TIME // 2

ReadOwn = Callable[[str], Awaitable[bytes | None]]


@dataclass(frozen=True)
class OwnFiles:
    """Our own files, uploads and results: read from storage, for our address need not be public.

    `read` is given what follows `url_prefix`, and returns None for a file that is not there (any more).
    """

    url_prefix: str
    read: ReadOwn


class Intake:
    """Opened once per process."""

    def __init__(
        self, outbound: Outbound, decoder: Decoder, *, own_files: OwnFiles | None = None
    ) -> None:
        self._outbound = outbound
        self._decoder = decoder
        self._own_files = own_files
        self._places = Places(PICTURES_AT_A_TIME, MOST_OF_ONE_ACCOUNT)

    def check_url(self, url: str) -> None:
        """What can be said of `url` without fetching. Raises OutboundRefused, which is a ValueError."""
        if is_data_url(url):
            _check_data_url(url)
        elif self._own_path(url) is None:
            check_url(url, self._outbound.pictures)

    def _own_path(self, url: str) -> str | None:
        own = self._own_files
        if own is None or not url.startswith(own.url_prefix):
            return None
        path, *_ = re.split(r"[?#]", url.removeprefix(own.url_prefix), maxsplit=1)
        return path

    async def prepare(
        self, urls: tuple[str, ...], limits: ReferenceLimits, account_id: str
    ) -> tuple[Reference, ...]:
        """One reference for each of `urls`, in their order; the accounts that ask take turns.

        Raises TaskFault `BadRequest` for the first one that cannot be used, naming it.
        """
        outcomes = await asyncio.gather(
            *(self._prepare_one(url, limits, account_id) for url in urls), return_exceptions=True
        )
        references = []
        for index, outcome in enumerate(outcomes):
            if isinstance(outcome, OutboundRefused | OutboundFailed | PictureRefused):
                sentence = f"input.image_urls[{index}]: {outcome.message}"
                raise TaskFault("BadRequest", sentence) from outcome
            if isinstance(outcome, BaseException):
                raise outcome
            references.append(outcome)
        return tuple(references)

    async def _prepare_one(self, url: str, limits: ReferenceLimits, account_id: str) -> Reference:
        async with self._places.one(account_id):
            return await self.check(await self._fetch(url, limits), limits, account_id)

    async def check(self, data: bytes, limits: ReferenceLimits, account_id: str) -> Reference:
        """The picture in `data`, checked and made uniform: for uploads. Raises PictureRefused."""
        judge_size(len(data), limits)
        header = scan(data)
        judge(header, limits)
        return await self._decoder.decode(data, header, account_id)

    async def _fetch(self, url: str, limits: ReferenceLimits) -> bytes:
        if is_data_url(url):
            return read_data_url(url, limits.max_bytes)
        own_path = self._own_path(url)
        if own_path is not None:
            return await self._read_own(own_path)

        def look(data: bytes) -> None:
            header = peek(data)
            if header is not None:
                judge(header, limits)

        return await self._outbound.fetch(
            url, max_bytes=limits.max_bytes, total_seconds=FETCH_SECONDS, look=look
        )

    async def _read_own(self, path: str) -> bytes:
        assert self._own_files is not None
        data = await self._own_files.read(path)
        if data is None:
            raise OutboundFailed(
                "there is no such file here: it has expired, or its address is wrong. Upload it again."
            )
        return data


def _check_data_url(url: str) -> None:
    try:
        check_data_url(url)
    except PictureRefused as refused:
        raise OutboundRefused(refused.message) from None
