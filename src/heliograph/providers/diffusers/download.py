"""The folder of a model: one that is named, or one that is downloaded into a cache once."""

import errno
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from huggingface_hub import hf_hub_download, snapshot_download, try_to_load_from_cache
from huggingface_hub.errors import (
    DryRunError,
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from huggingface_hub.utils import tqdm

from heliograph.providers.diffusers.painter import Arrived, Look, ModelFault

INDEX: Final = "model_index.json"
#: What a pipeline is made of: no pictures, no second copies of the weights, no code.
FILES: Final = (
    INDEX,
    *(f"*/*.{ending}" for ending in ("json", "safetensors", "txt", "model", "jinja")),
)

#: The name of the library's bar for all files of a model together.
WHOLE_BAR: Final = "huggingface_hub.snapshot_download"


def index_of(model: str, cache_dir: str) -> Mapping[str, Any]:
    """The `model_index.json` of `model`, downloaded if need be. Raises ModelFault."""
    folder = _named_folder(model)
    try:
        path = folder / INDEX if folder else hf_hub_download(model, INDEX, cache_dir=cache_dir)
        index = json.loads(Path(path).read_text(encoding="utf-8"))
    except Exception as error:
        raise _fault(model, error) from error
    if not isinstance(index, dict):
        raise ModelFault(f"its {INDEX} is no index", "Download the model again.")
    return index


def fetch(model: str, cache_dir: str, arrived: Arrived) -> Path:
    """The folder with all files of `model`, downloaded if need be. Raises ModelFault."""
    folder = _named_folder(model)
    if folder is not None:
        return folder
    what = {"repo_id": model, "cache_dir": cache_dir, "allow_patterns": list(FILES)}
    try:
        bar = _bar_of(arrived, _bytes_to_fetch(what))
        return Path(snapshot_download(**what, tqdm_class=bar))
    except Exception as error:
        raise _fault(model, error) from error


def _bytes_to_fetch(what: Mapping[str, Any]) -> int:
    """How much is not here yet; 0 when nobody can be asked, and what is here must do."""
    try:
        files = snapshot_download(**what, dry_run=True)
    except DryRunError:
        return 0
    return sum(file.file_size or 0 for file in files if file.will_download)


def look_for(model: str, cache_dir: str) -> Look:
    """Whether `model` is on this disk."""
    try:
        folder = _named_folder(model)
    except ModelFault as fault:
        return Look(False, fault.reason, fault.remedy)
    if folder is not None:
        if (folder / INDEX).is_file():
            return Look(True, f"{model} is a folder of this machine")
        return Look(False, f"{model} has no {INDEX}", "Name the folder of a diffusers model.")
    try:
        cached = try_to_load_from_cache(model, INDEX, cache_dir=cache_dir)
    except HFValidationError as error:
        return Look(False, str(error), "Name a folder, or a model as OWNER/NAME.")
    if isinstance(cached, str):
        return Look(True, f"{model} is in {cache_dir}")
    return Look(True, f"{model} is not here yet; the first task downloads it into {cache_dir}")


def _named_folder(model: str) -> Path | None:
    """The folder that `model` names, None if it is the name of a model elsewhere."""
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    if model.startswith(("/", ".", "~")):
        raise ModelFault(f"there is no folder {model}", "Correct the path, or put the model there.")
    return None


def _fault(model: str, error: Exception) -> ModelFault:
    reason = f"cannot be had: {_first_line(error)}"
    match error:
        case GatedRepoError():
            remedy = f"Accept the licence at https://huggingface.co/{model} and set HF_TOKEN."
        case RepositoryNotFoundError():
            remedy = "Check the name, OWNER/NAME; for a private model, set HF_TOKEN."
        case LocalEntryNotFoundError():
            remedy = (
                "Put this machine online and unset HF_HUB_OFFLINE for the first start,"
                " or copy the model here and name its folder."
            )
        case EntryNotFoundError() | FileNotFoundError():
            remedy = f"Name a model of diffusers: one with a {INDEX}."
        case HFValidationError():
            remedy = "Name a folder, or a model as OWNER/NAME."
        case HfHubHTTPError():
            remedy = "Try again later; the answer is that of Hugging Face."
        case OSError(errno=errno.ENOSPC):
            remedy = "Make room on the disk of the cache, or move the cache to a larger one."
        case json.JSONDecodeError():
            remedy = "The file is damaged: delete the model's folder, so that it is had again."
        case _:
            remedy = "Check the network and try again: a download goes on where it broke off."
    return ModelFault(reason, remedy)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _bar_of(arrived: Arrived, total_bytes: int) -> type[tqdm]:
    class Bar(tqdm):  # type: ignore[misc]
        """The library's own bar, which also tells what has arrived of all files together."""

        def __init__(self, *args: Any, **options: Any) -> None:
            # there is a second one for what came over the network, before it is unpacked
            self._tells = options.get("name") == WHOLE_BAR
            self._arrived_bytes = 0
            super().__init__(*args, **options)

        def update(self, n: float | None = 1) -> bool | None:
            # where no bar is shown, the library's own count stands still
            self._arrived_bytes += int(n or 0)
            if self._tells and total_bytes:
                arrived(min(self._arrived_bytes, total_bytes), total_bytes)
            shown: bool | None = super().update(n)
            return shown

    return Bar
