"""Settings: environment variables `HELIOGRAPH_*`, or a TOML file, read once into one frozen object."""

import difflib
import ipaddress
import os
import tomllib
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from heliograph.base.errors import OperatorError

PREFIX = "HELIOGRAPH_"

#: What must be http:// or https:// and a host.
ADDRESSES = (
    "public_url",
    "alert_webhook_url",
    "dashscope_base_url",
    "openai_images_base_url",
    "openai_images_edits_base_url",
    "sdcpp_base_url",
)

#: Names that the client commands read for themselves.
CLIENT_NAMES = frozenset({"api_key", "base_url"})

# The most is what the database and the calendar still take: three years, and a hundred.
Count = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Seconds = Annotated[float, Meta(gt=0, le=100_000_000)]
Hours = Annotated[float, Meta(gt=0, le=876_000)]
Days = Annotated[int, Meta(ge=1, le=36_500)]
Modes = tuple[Literal["text-to-image", "image-to-image"], ...]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every setting. The name of field `x` outside is `HELIOGRAPH_X`; lists are comma-separated."""

    data_dir: Path = Path("heliograph-data")
    database_url: str | None = None
    database_direct_url: str | None = None
    database_prepared_statements: bool | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    public_url: str = ""
    storage_url: str | None = None
    storage_signed_urls: bool = False
    providers: tuple[str, ...] = ("studio",)
    dashscope_api_key: str | None = None
    dashscope_base_url: str = "https://dashscope-intl.aliyuncs.com/api/v1"
    dashscope_text_model: str = "wan2.5-t2i-preview"
    dashscope_edit_model: str = "wan2.5-i2i-preview"
    dashscope_prompt_extend: bool = True
    dashscope_watermark: bool = False
    dashscope_send_seed: bool = True
    dashscope_starts_per_second: Annotated[float, Meta(gt=0)] = 5
    dashscope_tasks_in_flight: Count = 5
    dashscope_checks_per_second: Annotated[float, Meta(gt=0)] = 20
    openai_images_base_url: tuple[str, ...] = ()
    openai_images_edits_base_url: tuple[str, ...] = ()
    openai_images_api_key: str | None = None
    openai_images_model: str | None = None
    openai_images_dialect: Literal["vllm-omni", "sglang", "sd-server", "openai"] = "vllm-omni"
    openai_images_calls_per_engine: Count = 1
    openai_images_modes: Modes = ("text-to-image", "image-to-image")
    sdcpp_base_url: str | None = None
    sdcpp_modes: Modes = ("text-to-image", "image-to-image")
    diffusers_text_model: str | None = None
    diffusers_edit_model: str | None = None
    diffusers_device: str = "auto"
    diffusers_dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    diffusers_steps: Count | None = None
    alert_webhook_url: str | None = None
    moderation_words_file: Path | None = None
    moderation_picture_threshold: Annotated[float, Meta(gt=0, le=1)] | None = None
    trusted_proxies: tuple[str, ...] = ()
    trusted_networks: tuple[str, ...] = ()
    allow_http_callbacks: bool = False
    webhook_retry_seconds: tuple[Annotated[float, Meta(ge=0, le=100_000_000)], ...] = (30, 120, 600)
    webhook_timeout_seconds: Seconds = 30
    webhook_accept_any_2xx: bool = False
    webhook_pause_hours: Hours = 72
    task_deadline_seconds: Seconds = 600
    result_retention_hours: Hours = 168
    text_retention_days: Days | None = None
    delivery_retention_days: Days = 90
    max_head_bytes: Annotated[int, Meta(ge=4096)] = 32 * 1024
    max_body_bytes: Annotated[int, Meta(ge=4096)] = 1024 * 1024
    request_timeout_seconds: Seconds = 30
    drain_seconds: Annotated[float, Meta(ge=0)] = 0
    rate_limit_per_minute: Count = 10_000
    max_live_tasks: Count = 1_000
    prices_file: Path | None = None
    worker_concurrency: Annotated[int, Meta(ge=20)] = 200
    render_processes: Count = os.cpu_count() or 1
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "pretty", "json"] = "auto"


def load_settings(environ: Mapping[str, str], **overrides: object) -> Settings:
    """Settings from `environ`, over those of the TOML file that `HELIOGRAPH_CONFIG` names.

    `overrides` (command-line options) win over both; those that are None count as absent, and so does
    what is empty.
    Raises OperatorError naming the setting, its value, and the fix.
    """
    values = _from_file(environ.get(PREFIX + "CONFIG"))
    values |= _from_environment(environ)
    values |= {name: value for name, value in overrides.items() if value is not None}
    values = {name: value for name, value in values.items() if value != ""}
    _refuse_unknown(values)
    try:
        settings = msgspec.convert(values, Settings, strict=False, dec_hook=_read_path)
    except msgspec.ValidationError as error:
        raise OperatorError(_explain(error)) from None
    for name in ("trusted_networks", "trusted_proxies"):
        _check_networks(name, getattr(settings, name))
    for name in ADDRESSES:
        _check_addresses(name, getattr(settings, name))
    return msgspec.structs.replace(
        settings,
        data_dir=_whole_path(settings.data_dir),
        public_url=(settings.public_url or _default_url(settings)).rstrip("/"),
    )


def _from_file(path: str | None) -> dict[str, Any]:
    if not path:
        return {}
    try:
        return tomllib.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OperatorError(
            f"HELIOGRAPH_CONFIG names {path}, which cannot be read: {error}"
        ) from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for variable, text in environ.items():
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or name == "config" or name in CLIENT_NAMES:
            continue
        if text.strip():
            values[name] = _split(text) if _is_list(name) else text.strip()
    return values


def _read_path(kind: type, value: object) -> object:
    return kind(value) if isinstance(value, str) else value


def _is_list(name: str) -> bool:
    return isinstance(getattr(Settings(), name, None), tuple)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _refuse_unknown(values: Mapping[str, object]) -> None:
    known = Settings.__struct_fields__
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {PREFIX}{near[0].upper()}?" if near else ""
            raise OperatorError(
                f"{PREFIX}{name.upper()} is not a setting of this version.{hint}"
                " docs/reference/settings.md lists them all."
            )


def _explain(error: msgspec.ValidationError) -> str:
    problem, _, path = str(error).partition(" - at `$.")
    name = path.rstrip("`").split("[")[0]
    return f"{PREFIX}{name.upper()}: {problem}. Correct it or remove it to use the default."


def _check_networks(name: str, networks: tuple[str, ...]) -> None:
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            raise OperatorError(
                f"{PREFIX}{name.upper()}: {error}. Write networks as 10.0.0.0/8,fd00::/8."
            ) from None


def _check_addresses(name: str, value: str | tuple[str, ...] | None) -> None:
    """Refuse what leads nowhere, without showing it: an address may hold a password."""
    for address in (value,) if isinstance(value, str) else value or ():
        if address and not leads_somewhere(address):
            raise OperatorError(
                f"{PREFIX}{name.upper()} must be an address that begins with http:// or https:// and"
                " names a host."
            )


def leads_somewhere(address: str) -> bool:
    """Whether `address` is http:// or https:// and names a host."""
    try:
        parts = urllib.parse.urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _whole_path(folder: Path) -> Path:
    try:
        whole = folder.expanduser().absolute()
        os.fsencode(whole).decode("utf-8")
    except (RuntimeError, UnicodeError):
        raise OperatorError(
            f"{PREFIX}DATA_DIR: {folder} names a user that is not there, or is not written in UTF-8."
            " Name another folder."
        ) from None
    return whole


def _default_url(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://{host}:{settings.port}"
