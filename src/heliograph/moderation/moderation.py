"""The operator's own checks of what is asked for and of what is shown."""

from collections.abc import Iterator
from pathlib import Path

from heliograph.base.errors import BadRequest, OperatorError
from heliograph.base.log import log
from heliograph.base.settings import Settings
from heliograph.catalog.request import ImageRequest
from heliograph.moderation.objection import Objection
from heliograph.moderation.pictures import PictureJudge
from heliograph.moderation.words import WordList, read_words


class Moderation:
    """The checks that the operator has switched on; without any, everything passes."""

    def __init__(self, words: WordList | None = None, judge: PictureJudge | None = None) -> None:
        self._words = words
        self._judge = judge

    def check_texts(self, image: ImageRequest) -> None:
        """Raise BadRequest, naming the field, for a text with an entry of the word list."""
        if self._words is None:
            return
        for field, text in _texts(image):
            objection = self._words.find(text)
            if objection is not None:
                log.info("moderation.text_refused", field=field, why=objection.why)
                raise BadRequest(
                    f"{field} is not allowed on this server ({objection.code}). Reword it.", field
                )

    async def find(self, picture: bytes) -> Objection | None:
        """The objection to a picture, if there is one."""
        objection = None if self._judge is None else await self._judge.find(picture)
        if objection is not None:
            log.info("moderation.picture_refused", code=objection.code, why=objection.why)
        return objection

    async def close(self) -> None:
        """Give back what the judge holds."""
        if self._judge is not None:
            await self._judge.close()


def open_moderation(settings: Settings) -> Moderation:
    """The checks that `settings` ask for. Raises OperatorError for a file or a package that is missing."""
    threshold = settings.moderation_picture_threshold
    return Moderation(
        words=_read_words(settings.moderation_words_file),
        judge=None if threshold is None else PictureJudge(threshold),
    )


def _texts(image: ImageRequest) -> Iterator[tuple[str, str]]:
    yield "input.prompt", image.prompt
    if image.negative_prompt:
        yield "input.negative_prompt", image.negative_prompt


def _read_words(path: Path | None) -> WordList | None:
    if path is None:
        return None
    try:
        return read_words(path.expanduser().read_text(encoding="utf-8"), str(path))
    except (OSError, ValueError) as error:
        raise OperatorError(
            f"HELIOGRAPH_MODERATION_WORDS_FILE: {path} cannot be read: {error}"
        ) from None
