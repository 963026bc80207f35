"""Every program that the page shows runs as it stands, and asks for exactly what is in the form."""

import json
import os
import subprocess
import sys
from pathlib import Path

import playwright
import pytest
from playwright.sync_api import expect

from browser.house import Guest, House
from browser.visit import Visit
from support.pictures import encoded, photo
from support.service import COMMAND, environment

NODE = Path(playwright.__file__).parent / "driver" / "node"
PROMPT = """it's a "lake", $HOME `x` \\n {y}\n雪 👍 ${z}"""
LANGUAGES = {
    "curl": ["bash", "-c"],
    "sdk": [sys.executable, "-c"],
    "python": [sys.executable, "-c"],
    "javascript": [str(NODE), "--input-type=module", "-e"],
    "cli": ["bash", "-c"],
    "openai": [sys.executable, "-c"],
}
SECONDS = 120


def shown(visit: Visit, language: str) -> str:
    visit.page.locator("#code-tab").click()
    visit.page.locator(f"#code-{language}").click()
    return visit.page.locator("#code").evaluate("one => one.textContent")


def run(program: list[str], text: str, guest: Guest, folder: Path) -> str:
    """What a program prints that has the key in its environment, and nothing else of ours."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    command = bin_folder / "heliograph"
    command.write_text(f'#!/bin/sh\nexec "{COMMAND[0]}" -c "{COMMAND[2]}" "$@"\n')
    command.chmod(0o755)
    settings = environment({"HELIOGRAPH_API_KEY": guest.api_key})
    settings["PATH"] = f"{bin_folder}{os.pathsep}{settings['PATH']}"
    done = subprocess.run(
        [*program, text],
        env=settings,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def asked(visit: Visit, guest: Guest) -> list[dict]:
    """The tasks of the account as the service has them."""
    answer = visit.page.request.get(
        f"{visit.url}/api/v1/tasks", headers={"Authorization": f"Bearer {guest.api_key}"}
    )
    return answer.json()["data"]["items"]


@pytest.mark.parametrize("mode", ["text-to-image", "image-to-image"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_program_makes_what_the_form_says(
    visitor, house: House, tmp_path: Path, language: str, mode: str
):
    guest = house.guest()
    visit = visitor().open().sign_in(guest)
    visit.choose_mode(mode)
    visit.prompt.fill(PROMPT)
    visit.page.locator("[data-path='input.negative_prompt'] textarea").fill("it's blurry")
    visit.pick("input.aspect_ratio", "16:9")
    visit.pick("input.num_images", "2")
    if mode == "image-to-image":
        (tmp_path / "given.jpg").write_bytes(encoded(photo(), "JPEG"))
        visit.page.locator("#form input[type=file]").set_input_files(tmp_path / "given.jpg")
        expect(visit.page.locator("[data-path='input.image_urls'] .note")).to_have_text("1 / 3")
        expect(visit.page.locator(".shelf .facts")).to_contain_text("JPEG")
    program = shown(visit, language)
    assert guest.api_key not in program
    said = run(LANGUAGES[language], program, guest, tmp_path)
    (task,) = asked(visit, guest)
    assert (task["mode"], task["aspectRatio"], task["numImages"]) == (mode, "16:9", 2)
    assert (task["prompt"], task["negativePrompt"]) == (PROMPT, "it's blurry")
    assert task["state"] == "success"
    assert said.strip()
    if mode == "image-to-image" and language != "openai":
        body = json.loads(visit.json())
        assert task["imageUrls"] == body["input"]["image_urls"]


def test_the_key_is_hidden_until_it_is_copied(visitor, house: House):
    guest = house.guest()
    visit = visitor(permissions=["clipboard-read", "clipboard-write"]).open().sign_in(guest)
    visit.page.locator("#code-tab").click()
    line = visit.page.locator("#key-line")
    expect(line).to_have_text("export HELIOGRAPH_API_KEY='hg_test_••••••••'")
    assert guest.api_key not in visit.page.content()
    visit.page.locator("#copy-key").click()
    copied = visit.page.evaluate("navigator.clipboard.readText()")
    assert copied == f"export HELIOGRAPH_API_KEY='{guest.api_key}'"


def test_the_program_follows_the_form_and_says_what_it_cannot_send(visitor):
    visit = visitor().open()
    visit.prompt.fill("one thing")
    assert "one thing" in shown(visit, "cli")
    visit.page.locator(".more summary").click()
    visit.page.locator("[data-path='source'] input").fill("my-app")
    expect(visit.page.locator("#code-note")).to_have_text("This program cannot send: source.")
    shown(visit, "curl")
    expect(visit.page.locator("#code-note")).to_have_text("")
    expect(visit.page.locator("#code")).to_contain_text('"source": "my-app"')
