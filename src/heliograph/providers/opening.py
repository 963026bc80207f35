"""Opening the providers that the settings name. A new one is a function here and a line in MAKERS."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from heliograph.base.clock import Clock
from heliograph.base.database import Pool
from heliograph.base.errors import OperatorError
from heliograph.base.settings import Settings
from heliograph.providers.dashscope.provider import DashScopeProvider
from heliograph.providers.dashscope.request import Options
from heliograph.providers.diffusers.provider import DiffusersProvider
from heliograph.providers.openai_images.provider import OpenAIImagesProvider
from heliograph.providers.provider import Alarm, Limits, Provider
from heliograph.providers.rehearsal import RehearsalProvider
from heliograph.providers.sdcpp.provider import SdcppProvider
from heliograph.providers.studio import StudioProvider

Setting = TypeVar("Setting")


@dataclass(frozen=True)
class Around:
    """What a provider may need of its surroundings."""

    settings: Settings
    pool: Pool
    clock: Clock
    alarm: Alarm


def open_providers(around: Around) -> dict[str, Provider]:
    """Every provider that is configured, and the rehearsal for test keys, by name.

    Raises OperatorError for a name that is not known, or settings that are missing or cannot be used.
    """
    names = around.settings.providers
    unknown = [name for name in names if name not in MAKERS]
    if unknown or not names:
        raise OperatorError(
            f"HELIOGRAPH_PROVIDERS names {', '.join(unknown) or 'none'};"
            f" this version knows {', '.join(MAKERS)}."
        )
    configured: dict[str, Provider] = {name: MAKERS[name](around) for name in names}
    return configured | {"rehearsal": RehearsalProvider(around.clock)}


def _studio(around: Around) -> Provider:
    settings = around.settings
    return StudioProvider(settings.render_processes, settings.data_dir / "cache")


def _dashscope(around: Around) -> Provider:
    settings = around.settings
    return DashScopeProvider(
        api_key=_needed(settings.dashscope_api_key, "dashscope", "HELIOGRAPH_DASHSCOPE_API_KEY"),
        alarm=around.alarm,
        base_url=settings.dashscope_base_url,
        options=Options(
            text_model=settings.dashscope_text_model,
            edit_model=settings.dashscope_edit_model,
            prompt_extend=settings.dashscope_prompt_extend,
            watermark=settings.dashscope_watermark,
            send_seed=settings.dashscope_send_seed,
        ),
        limits=Limits(
            starts_per_second=settings.dashscope_starts_per_second,
            tasks_in_flight=settings.dashscope_tasks_in_flight,
            checks_per_second=settings.dashscope_checks_per_second,
        ),
    )


def _openai_images(around: Around) -> Provider:
    settings = around.settings
    urls = settings.openai_images_base_url
    _needed(urls, "openai-images", "HELIOGRAPH_OPENAI_IMAGES_BASE_URL")
    return OpenAIImagesProvider(
        around.pool,
        around.clock,
        base_urls=urls,
        edits_base_urls=settings.openai_images_edits_base_url,
        api_key=settings.openai_images_api_key,
        model=settings.openai_images_model,
        dialect=settings.openai_images_dialect,
        calls_per_engine=settings.openai_images_calls_per_engine,
        modes=frozenset(settings.openai_images_modes),
        alarm=around.alarm,
    )


def _sdcpp(around: Around) -> Provider:
    settings = around.settings
    return SdcppProvider(
        base_url=_needed(settings.sdcpp_base_url, "sdcpp", "HELIOGRAPH_SDCPP_BASE_URL"),
        alarm=around.alarm,
        modes=frozenset(settings.sdcpp_modes),
    )


def _diffusers(around: Around) -> Provider:
    settings = around.settings
    models = settings.diffusers_text_model or settings.diffusers_edit_model
    _needed(models, "diffusers", "HELIOGRAPH_DIFFUSERS_TEXT_MODEL or _EDIT_MODEL")
    return DiffusersProvider(
        alarm=around.alarm,
        text_model=settings.diffusers_text_model,
        edit_model=settings.diffusers_edit_model,
        device=settings.diffusers_device,
        dtype=settings.diffusers_dtype,
        cache_dir=settings.data_dir / "cache" / "models",
        steps=settings.diffusers_steps,
    )


MAKERS: Final[dict[str, Callable[[Around], Provider]]] = {
    "studio": _studio,
    "dashscope": _dashscope,
    "openai-images": _openai_images,
    "sdcpp": _sdcpp,
    "diffusers": _diffusers,
}


def _needed(value: Setting | None, provider: str, name: str) -> Setting:
    if not value:
        raise OperatorError(f"HELIOGRAPH_PROVIDERS names {provider}, but {name} is not set.")
    return value
