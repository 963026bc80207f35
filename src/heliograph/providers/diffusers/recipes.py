"""How each kind of pipeline is called. Pure: what is known of a model before it is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from heliograph.providers.diffusers.painter import ModelFault


@dataclass(frozen=True)
class Recipe:
    """How one kind of pipeline is called; `references` are how many pictures it starts from.

    `negative_prompt` stands for none where one must be given, and is None where none is taken.
    """

    steps: int
    arguments: Mapping[str, Any] = field(default_factory=dict)
    negative_prompt: str | None = None
    references: tuple[int, int] = (0, 0)


# A space is as good as no negative prompt, but without one Qwen's pipelines leave out the guidance.
_QWEN: Final = {"true_cfg_scale": 4.0}
_KLEIN_REFERENCES: Final = (0, 4)

RECIPES: Final[Mapping[str, Recipe]] = {
    # made for nine steps without guidance, and so without a negative prompt
    "ZImagePipeline": Recipe(9, {"guidance_scale": 0.0}),
    "QwenImagePipeline": Recipe(50, _QWEN, negative_prompt=" "),
    "QwenImageEditPlusPipeline": Recipe(40, _QWEN, negative_prompt=" ", references=(1, 3)),
    "Flux2KleinPipeline": Recipe(4, {"guidance_scale": 1.0}, references=_KLEIN_REFERENCES),
    # a film of one frame is a picture
    "WanPipeline": Recipe(40, {"num_frames": 1, "guidance_scale": 4.0}, negative_prompt=""),
}
KLEIN_BASE: Final = Recipe(50, {"guidance_scale": 4.0}, references=_KLEIN_REFERENCES)


def recipe_of(index: Mapping[str, Any]) -> Recipe:
    """The recipe for the model whose `model_index.json` is `index`. Raises ModelFault."""
    name = index.get("_class_name")
    if name == "Flux2KleinPipeline" and not index.get("is_distilled"):
        return KLEIN_BASE
    if not isinstance(name, str) or name not in RECIPES:
        raise ModelFault(
            f"its pipeline is {name}, which this version cannot call",
            f"Name a model of one of these pipelines: {', '.join(RECIPES)}.",
        )
    return RECIPES[name]
