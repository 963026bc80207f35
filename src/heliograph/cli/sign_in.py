"""Links that sign in, as commands print them."""

from typing import TYPE_CHECKING

import typer

from heliograph.cli.output import print_json
from heliograph.cli.spoken import tell

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from heliograph.accounts.sessions.sign_in import Link
    from heliograph.base.database import Pool
    from heliograph.base.settings import Settings


def print_link(offer: "Callable[[Pool], Awaitable[Link]]", *, as_json: bool) -> None:
    """Print the address of the link that `offer` makes, and how long it is good."""
    from heliograph.cli.service import with_pool

    async def address(settings: "Settings", pool: "Pool") -> tuple[str, object]:
        link = await offer(pool)
        return link.address(settings.public_url), link.expires_at

    url, expires_at = with_pool(address)
    if as_json:
        print_json({"url": url, "expires_at": expires_at})
        return
    typer.echo(f"{url}\n")
    tell("It signs in once, within 15 minutes. Whoever has it is signed in: send it safely.")
