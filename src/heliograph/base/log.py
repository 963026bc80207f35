"""Logs: pretty on a terminal, JSON otherwise; ids on every line; secrets taken out."""

import logging
import re
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

import structlog

from heliograph.base.settings import Settings
from heliograph.base.terminal import harmless_lines

log: structlog.stdlib.BoundLogger = structlog.get_logger()

#: A variable of its own: structlog's way of binding one costs each request ten times as much.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

#: What must never be written: our keys, webhook secrets and the secrets of links and sessions, upstream
#: keys, bearer tokens, passwords in URLs.
SECRETS = re.compile(
    r"hg_(?:live|test)_\w{8}_\w+|\bhg[ls]_[\w-]{43}|whsec_[\w+/=]+|\bsk-[\w-]{8,}|(?i:bearer\s+)[\w.~+/=-]+|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)"
)
HIDDEN = "[hidden]"


def start_logging(settings: Settings) -> None:
    """Configure structlog and the standard library's logging once, for this process."""
    pretty = settings.log_format == "pretty" or (
        settings.log_format == "auto" and sys.stderr.isatty()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        add_request_id,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        hide_secrets,
    ]
    if pretty:
        shared.append(spare_the_terminal)
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer()
    )
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processor=renderer)
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


def add_request_id(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Name the request that `event` belongs to, if it belongs to one."""
    asked = request_id.get()
    return event if asked is None else {"request_id": asked, **event}


def hide_secrets(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace whatever looks like a secret in every value of `event`, however deep."""
    return {name: _hidden(value) for name, value in event.items()}


def spare_the_terminal(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Show as escapes what could deceive a terminal; of what is no text structlog does that itself."""
    return {
        name: harmless_lines(value) if isinstance(value, str) else value
        for name, value in event.items()
    }


def _hidden(value: Any) -> Any:
    if isinstance(value, str):
        return SECRETS.sub(HIDDEN, value)
    if isinstance(value, dict):
        return {name: _hidden(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(part) for part in value]
    if isinstance(value, int | float | None):
        return value
    return SECRETS.sub(HIDDEN, str(value))
