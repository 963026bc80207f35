"""The pages of `docs/`: what they are called, and the languages that they are written in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from heliograph.api.docs.frame import ENGLISH
from heliograph.api.language.choose import LANGUAGES

#: Where the pages of a language stand in `docs/`. A page that is not there is read in English.
FOLDERS: Final = {one: "" if one == ENGLISH else f"{one}/" for one in LANGUAGES}

IMAGES: Final = {".png": "image/png", ".svg": "image/svg+xml", ".webp": "image/webp"}
INDEX: Final = "README"


@dataclass(frozen=True)
class Guide:
    """One page in one language: its file in `docs/` (`zh/how-to/python.md`), its title, and its Markdown."""

    file: str
    title: str
    markdown: str

    @property
    def language(self) -> str:
        """The language that it is written in."""
        return language_of(self.file)

    @property
    def name(self) -> str:
        """What it is called in every language (`how-to/python`)."""
        return name_of(self.file)

    @property
    def section(self) -> str:
        """The folder that it stands in."""
        return self.name.rpartition("/")[0]


def language_of(file: str) -> str:
    """The language of a file in `docs/`."""
    return next(
        (one for one, folder in FOLDERS.items() if folder and file.startswith(folder)), ENGLISH
    )


def name_of(file: str) -> str:
    """The name of a page whose file in `docs/` this is: the same in every language."""
    return file.removeprefix(FOLDERS[language_of(file)]).removesuffix(".md")


def read_files() -> dict[str, bytes]:
    """All pages and pictures, by their path in the folder of the documentation.

    It is inside of an installed package, or beside the source tree.
    """
    packaged = resources.files(__package__) / "pages"
    return dict(_files(packaged if packaged.is_dir() else Path(__file__).parents[4] / "docs"))


def _files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        name = prefix + entry.name
        if entry.is_dir():
            yield from _files(entry, f"{name}/")
        elif Path(name).suffix in (".md", *IMAGES):
            yield name, entry.read_bytes()


def pages_in(language: str, files: Mapping[str, bytes]) -> dict[str, Guide]:
    """All pages by name, each in `language` or else in English; the index of a folder is none."""
    found: dict[str, Guide] = {}
    for wanted in dict.fromkeys((ENGLISH, language)):
        for file, data in files.items():
            if file.endswith(".md") and language_of(file) == wanted and name_of(file) != INDEX:
                found[name_of(file)] = _guide(file, data.decode())
    return found


def _guide(file: str, markdown: str) -> Guide:
    title = markdown.partition("\n")[0].removeprefix("#").strip()
    return Guide(file, title, markdown)
