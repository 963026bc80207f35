"""The painter that runs real pipelines of the library diffusers. Imported by an engine's process only."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import diffusers
import torch
from PIL import Image, ImageOps

from heliograph.providers.diffusers.download import fetch, index_of, look_for
from heliograph.providers.diffusers.messages import Order, Ready, Setup
from heliograph.providers.diffusers.painter import Arrived, Look, ModelFault, Wanted
from heliograph.providers.diffusers.placement import placement
from heliograph.providers.diffusers.recipes import Recipe, recipe_of

_AUTO_DTYPES: Final = {"cuda": "bfloat16", "mps": "float16"}
_MEMORY_WORDS: Final = ("out of memory", "can't allocate memory")


class PipelinePainter:
    """A pipeline that is loaded and lies where it runs."""

    def __init__(self, pipe: Any, recipe: Recipe, steps: int, device: str) -> None:
        self._pipe = pipe
        self._recipe = recipe
        self._steps = steps
        fewest, most = recipe.references
        self.ready = Ready(
            pipeline=type(pipe).__name__,
            device=device,
            fewest_references=fewest,
            most_references=most,
            negative_prompt=recipe.negative_prompt is not None,
        )

    def paint(self, order: Order, wanted: Wanted) -> bytes | None:
        """The picture as PNG in exactly the size ordered; None if it was not wanted to its end."""
        stopped = False

        def after_step(pipe: Any, index: int, _timestep: Any, values: dict[str, Any]) -> Any:
            nonlocal stopped
            if not wanted((index + 1) / self._steps):
                # the pipeline passes over all other steps and hands back a half-made picture
                stopped = pipe._interrupt = True  # noqa: SLF001 - what its callbacks are to set
            return values

        try:
            result = self._pipe(**self._arguments(order), callback_on_step_end=after_step)
        except Exception as error:
            if _is_out_of_memory(error):
                raise MemoryError(str(error)) from None
            raise
        return None if stopped else _png(_picture_of(result), (order.width, order.height))

    def _arguments(self, order: Order) -> dict[str, Any]:
        # twice what the autoencoder shrinks: all of these models look at pixels in pairs
        spatial = getattr(self._pipe, "vae_scale_factor_spatial", None)
        multiple = 2 * (spatial or self._pipe.vae_scale_factor)
        arguments = dict(self._recipe.arguments)
        if self._recipe.negative_prompt is not None:
            arguments["negative_prompt"] = order.negative_prompt or self._recipe.negative_prompt
        if order.references:
            arguments["image"] = [
                Image.open(io.BytesIO(data)).convert("RGB") for data in order.references
            ]
        return arguments | {
            "prompt": order.prompt,
            "width": -(-order.width // multiple) * multiple,
            "height": -(-order.height // multiple) * multiple,
            "num_inference_steps": self._steps,
            # drawn on the processor, so that a seed means the same picture on every device
            "generator": torch.Generator("cpu").manual_seed(order.seed),
            "output_type": "pil",
        }


def load(setup: Setup, arrived: Arrived) -> PipelinePainter:
    """The painter of the model that `setup` names. Raises ModelFault, MemoryError."""
    device = _device(setup.device)
    # whether it can be called is known before its many gigabytes are fetched
    recipe = recipe_of(index_of(setup.model, setup.cache_dir))
    folder = fetch(setup.model, setup.cache_dir, arrived)
    try:
        pipe = _load(folder, _dtype(setup.dtype, device))
        _place(pipe, device)
    except OSError as error:
        raise ModelFault(
            f"cannot be read: {error}",
            "The model is incomplete or damaged: delete its folder and download or copy it again.",
        ) from error
    except Exception as error:
        if _is_out_of_memory(error):
            raise MemoryError(str(error)) from None
        raise
    pipe.set_progress_bar_config(disable=True)
    return PipelinePainter(pipe, recipe, setup.steps or recipe.steps, str(device))


def look(setup: Setup) -> Sequence[Look]:
    """Where the model is and where it would run."""
    try:
        device = _device(setup.device)
    except ModelFault as fault:
        return [Look(False, fault.reason, fault.remedy)]
    runs = f"runs on {_described(device)} with torch {torch.__version__}"
    return [Look(True, runs), look_for(setup.model, setup.cache_dir)]


def _device(name: str) -> torch.device:
    if name == "auto":
        better = "mps" if torch.backends.mps.is_available() else "cpu"
        name = "cuda" if torch.cuda.is_available() else better
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelFault(
            f"the device {name} cannot be used: {str(error).splitlines()[0]}",
            "Set HELIOGRAPH_DIFFUSERS_DEVICE to auto, cuda, cuda:1, mps or cpu,"
            " and install the torch for this machine's graphics processor.",
        ) from error
    return device


def _described(device: torch.device) -> str:
    if device.type != "cuda":
        return str(device)
    about = torch.cuda.get_device_properties(device)
    return f"{device} ({about.name}, {about.total_memory / 1024**3:.0f} GiB)"


def _dtype(name: str, device: torch.device) -> torch.dtype:
    known = _AUTO_DTYPES.get(device.type, "float32") if name == "auto" else name
    dtype = getattr(torch, known)
    assert isinstance(dtype, torch.dtype), "the provider has checked the name"
    return dtype


def _load(folder: Path, dtype: torch.dtype) -> Any:
    # safetensors alone: other weights are pickles, which can run code
    return diffusers.DiffusionPipeline.from_pretrained(
        folder, dtype=dtype, use_safetensors=True, local_files_only=True
    )


def _place(pipe: Any, device: torch.device) -> None:
    """Put the model on `device`, or as much of it at a time as has room there."""
    if device.type != "cuda":
        pipe.to(device)
        return
    free_bytes, _ = torch.cuda.mem_get_info(device)
    where = placement([_bytes_of(part) for part in _parts(pipe)], free_bytes)
    if where == "whole":
        pipe.to(device)
        return
    pipe.vae.enable_tiling()
    if where == "parts":
        pipe.enable_model_cpu_offload(device=device)
    else:
        pipe.enable_sequential_cpu_offload(device=device)


def _parts(pipe: Any) -> list[torch.nn.Module]:
    return [part for part in pipe.components.values() if isinstance(part, torch.nn.Module)]


def _bytes_of(part: torch.nn.Module) -> int:
    return sum(one.numel() * one.element_size() for one in part.parameters())


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # the processor's and Apple's allocators say it in words only
    return isinstance(error, RuntimeError) and any(word in str(error) for word in _MEMORY_WORDS)


def _picture_of(result: Any) -> Image.Image:
    picture = result.frames[0][0] if hasattr(result, "frames") else result.images[0]
    assert isinstance(picture, Image.Image), "output_type is pil"
    return picture


def _png(picture: Image.Image, size: tuple[int, int]) -> bytes:
    picture = picture.convert("RGB")
    if picture.getcolors(1) is not None:
        raise ArithmeticError(
            "the picture is of one colour: numbers overflowed;"
            " set HELIOGRAPH_DIFFUSERS_DTYPE to bfloat16 or float32"
        )
    if picture.size != size:
        picture = ImageOps.fit(picture, size, Image.Resampling.LANCZOS)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
