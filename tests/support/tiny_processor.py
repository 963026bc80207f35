"""What Qwen's edit pipeline reads text and pictures with, without the library torchvision.

The real one also reads films, for which it needs torchvision, which has no build beside some builds
of torch. For a painter in an engine's process: `support.tiny_processor`.
"""

import diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus as edit_plus
import transformers
from transformers import AutoTokenizer, BatchFeature, ProcessorMixin, Qwen2VLImageProcessorPil

from heliograph.providers.diffusers import pipeline
from heliograph.providers.diffusers.pipeline import look

__all__ = ["TinyProcessor", "load", "look"]

PLACE_OF_PICTURE = "<|image_pad|>"
#: References are brought to about one megapixel; a sixteenth of that is enough for a test.
REFERENCE_PIXELS = 256 * 256


class TinyProcessor(ProcessorMixin):
    """Text with places for pictures, and the pictures, as numbers for the model."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.pictures = Qwen2VLImageProcessorPil()

    def __call__(self, *, text, images=None, padding=True, return_tensors="pt", **_):
        seen = {}
        if images is not None:
            seen = dict(self.pictures(images=images, return_tensors="pt"))
            text = [self._with_room(line, seen["image_grid_thw"]) for line in text]
        numbers = dict(self.tokenizer(list(text), padding=padding, return_tensors=return_tensors))
        place = self.tokenizer.convert_tokens_to_ids(PLACE_OF_PICTURE)
        kinds = {"mm_token_type_ids": (numbers["input_ids"] == place).long()}
        return BatchFeature({**numbers, **seen, **kinds})

    def _with_room(self, line, grids):
        """Each place is repeated as often as the model sees patches of its picture."""
        before, *rest = line.split(PLACE_OF_PICTURE)
        patches = self.pictures.merge_size**2
        for grid, after in zip(grids, rest, strict=True):
            before += PLACE_OF_PICTURE * int(grid.prod() // patches) + after
        return before

    def save_pretrained(self, folder, **_):
        self.tokenizer.save_pretrained(folder)

    @classmethod
    def from_pretrained(cls, folder, **_):
        return cls(AutoTokenizer.from_pretrained(folder))


def load(setup, arrived):
    """The real painter, with the tiny processor in the place of the one that the model names."""
    edit_plus.VAE_IMAGE_SIZE = REFERENCE_PIXELS
    transformers.Qwen2VLProcessor = TinyProcessor
    return pipeline.load(setup, arrived)
