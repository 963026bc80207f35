"""What the gallery shows, and what the blind test counts."""

import csv
import sys
import tomllib
from pathlib import Path

import pytest

from heliograph_studio import words
from heliograph_studio.scene import read_scene
from heliograph_studio.settings import SETTINGS

STUDIO = Path(__file__).resolve().parent.parent
GALLERY = STUDIO / "gallery"
PROMPTS = [
    prompt["text"]
    for prompt in tomllib.loads((GALLERY / "prompts.toml").read_text(encoding="utf-8"))["prompt"]
]


@pytest.fixture
def blind(monkeypatch):
    """The module of the blind test, which lies among the tools."""
    monkeypatch.setattr(sys, "path", [str(STUDIO / "tools"), *sys.path])
    import blind as module

    return module


def test_the_gallery_has_thirty_prompts_in_each_language_and_every_kind_of_scene():
    scenes = [read_scene(text) for text in PROMPTS]
    assert [sum(text.isascii() == english for text in PROMPTS) for english in (True, False)] == [
        30
    ] * 2
    assert {scene.setting for scene in scenes} == set(SETTINGS)
    assert {style for scene in scenes for style in scene.styles} == set(words.STYLES)
    assert {s.relation for scene in scenes for s in scene.subjects} - {None} == set(words.RELATIONS)


def test_the_pictures_of_the_gallery_are_small_files():
    sheets = [*GALLERY.glob("*.jpg"), *GALLERY.glob("blind/*.jpg")]
    assert len(sheets) >= 9
    assert all(sheet.stat().st_size < 500_000 for sheet in sheets)


def test_a_form_filled_in_right_scores_in_full_and_a_wrong_choice_is_named(blind, tmp_path, capsys):
    asked = blind.prompts()
    shown, listed = (blind.order_of(5, what, len(asked)) for what in ("pictures", "choices"))
    path = tmp_path / "form.csv"
    blind.write_form(path, 5, len(asked))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for number, row in zip(shown, rows, strict=True):
        row["choice"] = blind.letters(listed.index(number)).lower()
        row["how many things"] = str(asked[number]["count"])
    save(path, rows)
    blind.score(path)
    assert capsys.readouterr().out == "60 of 60 pictures recognised, 60 of 60 counted right\n"
    rows[0]["choice"], rows[0]["what do you see"] = "ZZ", "a fog"
    save(path, rows)
    blind.score(path)
    out = capsys.readouterr().out
    assert out.startswith("1, choice: 'a fog' is")
    assert "59 of 60 pictures recognised" in out


def save(path, rows):
    """Write a form back."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
