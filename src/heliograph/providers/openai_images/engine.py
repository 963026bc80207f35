"""One replica of an engine, and where it answers."""

from dataclasses import dataclass

from yarl import URL

from heliograph.providers.openai_images.order import Dialect
from heliograph.providers.upstream import checked_address


@dataclass(frozen=True)
class Engine:
    """One replica: its name in the database, and its addresses."""

    name: str
    api: URL
    health: URL

    @property
    def models(self) -> URL:
        """Where it lists what it serves."""
        return self.api / "models"


def engine_at(base_url: str, dialect: Dialect) -> Engine:
    """The engine at `base_url`; `/v1` may be left out where nothing else follows the host.

    Raises OperatorError for what is no address.
    """
    settings = "Each address in HELIOGRAPH_OPENAI_IMAGES_BASE_URL and …_EDITS_BASE_URL"
    base = checked_address(base_url, settings, "http://gpu-1:8091/v1")
    api = base if base.path.strip("/") else base / "v1"
    health = api / "models"
    if dialect in {"vllm-omni", "sglang"}:
        health = (api.parent if api.name == "v1" else api) / "health"
    return Engine(f"openai-images {api}", api, health)
