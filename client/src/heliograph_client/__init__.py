"""Talk to a Heliograph server: submit a prompt, wait, fetch the pictures."""

from heliograph_client.client import Client, TaskStatus
from heliograph_client.errors import ApiError, HeliographClientError, NoAnswer, NoKey, TaskFailed

__all__ = [
    "ApiError",
    "Client",
    "HeliographClientError",
    "NoAnswer",
    "NoKey",
    "TaskFailed",
    "TaskStatus",
]
