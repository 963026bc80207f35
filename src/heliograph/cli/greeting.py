"""What a person who starts the service is told first: a link that signs in as an operator, once."""

import sys

from heliograph.accounts.sessions.sign_in import offer_operator_link
from heliograph.base.clock import Clock
from heliograph.base.database import Pool
from heliograph.base.settings import Settings
from heliograph.cli.spoken import tell
from heliograph.runtime import open_database

OPERATOR = "operator"


def is_watched(settings: Settings) -> bool:
    """Whether a person reads what is printed, and no file or log keeps it: the link is a secret."""
    on_terminal = sys.stdout.isatty() and sys.stderr.isatty()
    return on_terminal and settings.log_format != "json"


async def greet(pool: Pool, settings: Settings) -> None:
    """Print a new link."""
    link = await offer_operator_link(pool, OPERATOR, now=Clock().now())
    tell(f"Sign in as the operator, once, within 15 minutes: {link.address(settings.public_url)}")


async def greet_alone(settings: Settings) -> None:
    """Print a new link before there is a service. Raises OperatorError."""
    async with open_database(settings) as pool:
        await greet(pool, settings)
