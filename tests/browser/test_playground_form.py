"""The form says what the schema says, and what stands in it is the request, in whatever shape."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser.house import House
from support.pictures import encoded, photo


def test_a_text_that_is_too_long_is_counted_and_what_is_cut_is_said(visitor):
    visit = visitor().open()
    visit.prompt.fill(" " + "雪" * 1999 + "👍 ")
    field = visit.page.locator("[data-path='input.prompt']")
    expect(field.locator(".counter")).to_have_text("2,000 / 2,000")
    expect(field.locator(".warning")).to_have_text("")
    visit.prompt.fill("雪" * 2045)
    expect(field.locator(".warning")).to_have_text("The last 45 characters will be cut off.")


def test_every_shape_is_drawn_to_the_scale_of_its_pictures(visitor):
    visit = visitor().open()
    frames = visit.page.locator("[data-path='input.aspect_ratio'] .frame")
    drawn = frames.evaluate_all(
        "all => all.map((one) => [one.closest('.pick').innerText.trim(), one.offsetWidth / one.offsetHeight])"
    )
    for name, shape in drawn:
        width, height = map(int, name.split(":"))
        assert shape == pytest.approx(width / height, rel=0.06)
    visit.pick("input.aspect_ratio", "9:16")
    expect(visit.page.locator("[data-path='input.aspect_ratio'] .note")).to_have_text(
        "960 \N{MULTIPLICATION SIGN} 1696 px"
    )


def test_each_mode_has_the_fields_and_shapes_of_its_schema(visitor, house: House):
    visit = visitor().open()
    schema = visit.page.request.get(f"{house.url}/docs/models/schemas/wan-2-5-image.json").json()
    for mode in schema["properties"]["input"]["oneOf"]:
        visit.choose_mode(mode["title"])
        fields = visit.page.locator("#form [data-path^='input.']")
        shown = set(fields.evaluate_all("all => all.map((one) => one.dataset.path)"))
        assert shown == {f"input.{name}" for name in mode["properties"]} - {"input.mode"}
        shapes = visit.page.locator("#form [data-path='input.aspect_ratio'] input")
        assert shapes.evaluate_all("all => all.map((one) => one.value)") == list(mode["sizes_px"])


def test_a_field_that_only_another_model_has_gets_a_widget_of_its_kind(visitor):
    visit = visitor()

    def with_more_fields(route) -> None:
        schema = route.fetch().json()
        schema["properties"]["input"]["oneOf"][0]["properties"] |= {
            "style": {"enum": ["photo", "ink"], "default": "photo"},
            "tiling": {"type": "boolean", "default": False},
            "strength": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5},
        }
        route.fulfill(json=schema)

    visit.page.route("**/schemas/wan-2-5-image.json", with_more_fields)
    visit.open()
    visit.page.locator(".more summary").click()
    visit.page.get_by_label("style").select_option("ink")
    visit.page.get_by_label("tiling").check()
    visit.page.get_by_label("strength").fill("0.25")
    sent = json.loads(visit.json())["input"]
    assert (sent["style"], sent["tiling"], sent["strength"]) == ("ink", True, 0.25)


def test_form_and_json_are_one_request(visitor):
    visit = visitor().open()
    visit.prompt.fill('a "red" boat\\n')
    visit.pick("input.num_images", "2")
    assert json.loads(visit.json()) == {
        "request_type": "async",
        "input": {
            "mode": "text-to-image",
            "prompt": 'a "red" boat\\n',
            "aspect_ratio": "1:1",
            "num_images": 2,
        },
    }
    body = {
        "callback_url": "https://example.com/hook",
        "extra": 1,
        "input": {"mode": "image-to-image", "prompt": "x", "image_urls": ["https://e.com/a.png"]},
    }
    visit.page.locator("#json").fill(json.dumps(body))
    visit.page.locator("#form-tab").click()
    expect(visit.prompt).to_have_value("x")
    expect(visit.page.locator(".shelf li")).to_have_count(1)
    taken = json.loads(visit.json())
    assert taken["request_type"] == "callback"
    assert taken["extra"] == 1


def test_json_that_is_none_is_explained_and_not_sent(visitor, house: House):
    visit = visitor().open().sign_in(house.guest())
    visit.json()
    for text, sentence in (
        ("{", "This is no JSON yet"),
        ("[]", "There must be an object named input."),
        ('{"input": {"mode": "song"}}', "input.mode must be one of the modes"),
    ):
        visit.page.locator("#json").fill(text)
        expect(visit.page.locator("#json-problem")).to_contain_text(sentence)
        visit.page.locator("#make").click()
        expect(visit.page.locator("#json")).to_be_focused()
    expect(visit.cards).to_have_count(0)


def test_what_is_missing_is_said_at_its_field(visitor, house: House):
    visit = visitor().open().sign_in(house.guest())
    visit.page.locator("#make").click()
    expect(visit.prompt).to_be_focused()
    expect(visit.page.locator("[data-path='input.prompt'] > .problem")).to_have_text(
        "Say what to draw."
    )
    visit.choose_mode("image-to-image")
    visit.prompt.fill("a lake")
    visit.page.locator("#make").click()
    expect(visit.page.locator("[data-path='input.image_urls'] > .problem")).to_have_text(
        "Add at least one picture to start from."
    )


def test_what_the_server_refuses_is_said_at_its_field_before_anything_is_sent(
    visitor, forgiven, house: House
):
    visit = visitor().open().sign_in(house.guest())
    visit.prompt.fill("a lake")
    visit.page.locator(".more summary").click()
    visit.page.locator("[data-path='retention_hours'] input").fill("100000")
    expect(visit.page.locator("[data-path='retention_hours'] > .problem")).to_contain_text(
        "retention_hours must be at most 168"
    )
    forgiven(visit, "400")


def test_a_link_restores_the_form_and_leaves_the_address(visitor):
    visit = visitor(permissions=["clipboard-read", "clipboard-write"]).open()
    visit.prompt.fill("雪中的熊猫 & <b>")
    visit.pick("input.aspect_ratio", "4:3")
    visit.page.locator("#share").click()
    expect(visit.page.locator("#toast")).to_have_text("Copied")
    link = visit.page.evaluate("navigator.clipboard.readText()")
    other = visitor().open(link.removeprefix(f"{visit.url}/"))
    expect(other.prompt).to_have_value("雪中的熊猫 & <b>")
    assert json.loads(other.json())["input"]["aspect_ratio"] == "4:3"
    assert other.page.url == f"{visit.url}/"


def test_a_broken_link_leaves_a_form_that_works(visitor):
    for fragment in ("#form=%%%", "#form=e30", "#form=eyJib2R5IjogMX0"):
        visit = visitor().open(fragment)
        expect(visit.prompt).to_have_value("")


def test_an_example_fills_the_form(visitor):
    visit = visitor().open()
    visit.page.locator(".example").nth(3).click()
    expect(visit.prompt).to_have_value("an astronaut floating in space with a planet")
    expect(visit.prompt).to_be_focused()


REFUSED = {
    "alpha.png": (photo(mode="RGBA"), "PNG", "transparency"),
    "small.jpg": (photo(200, 400), "JPEG", "Too small: 200 \N{MULTIPLICATION SIGN} 400 px"),
    "large.webp": (photo(5001, 400), "WEBP", "Too large: 5001 \N{MULTIPLICATION SIGN} 400 px"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_picture_that_does_not_fit_is_refused_at_once_and_can_be_mended(
    visitor, house: House, tmp_path: Path, name: str
):
    picture, kind, sentence = REFUSED[name]
    (tmp_path / name).write_bytes(encoded(picture, kind))
    visit = visitor().open().sign_in(house.guest())
    visit.choose_mode("image-to-image")
    visit.page.locator("#form input[type=file]").set_input_files(tmp_path / name)
    card = visit.page.locator(".shelf li")
    expect(card.locator(".problem")).to_contain_text(sentence)
    assert "image_urls" not in json.loads(visit.json())["input"]
    visit.page.locator("#form-tab").click()
    card.get_by_role("button", name="Make it fit").click()
    expect(card.locator(".facts")).to_contain_text("JPEG")
    expect(card.locator(".problem")).to_have_count(0)
    assert json.loads(visit.json())["input"]["image_urls"][0].startswith(f"{house.url}/files/")


HEADERS = {
    "BMP": ({}, False),
    "PNG": ({}, False),
    "JPEG": ({"progressive": True}, False),
    "WEBP": ({"lossless": True}, True),
}


@pytest.mark.parametrize("kind", HEADERS)
def test_the_head_of_each_format_is_read_as_it_is(visitor, kind: str):
    options, alpha = HEADERS[kind]
    data = encoded(photo(41, 39, "RGBA" if alpha else "RGB"), kind, **options)
    seen = (
        visitor()
        .open()
        .call("picture.js", "it.inspect(new Blob([new Uint8Array(args[0])]))", list(data))
    )
    assert (seen["format"], seen["width"], seen["height"]) == (kind, 41, 39)


def test_a_file_that_is_no_picture_is_refused(visitor, tmp_path: Path):
    (tmp_path / "notes.png").write_text("not a picture")
    visit = visitor().open()
    visit.choose_mode("image-to-image")
    visit.page.locator("#form input[type=file]").set_input_files(tmp_path / "notes.png")
    expect(visit.page.locator(".shelf .problem")).to_have_text("This is no JPEG, PNG, WebP or BMP.")


DROP = """([bytes, kind]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], "given.jpg", { type: "image/jpeg" }));
  const event = kind === "drop"
    ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
    : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
}"""


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_picture_can_be_dropped_or_pasted_anywhere(visitor, house: House, way: str):
    visit = visitor().open().sign_in(house.guest())
    visit.choose_mode("image-to-image")
    visit.page.evaluate(DROP, [list(encoded(photo(), "JPEG")), way])
    expect(visit.page.locator(".shelf .facts")).to_contain_text(
        "JPEG · 400 \N{MULTIPLICATION SIGN} 400"
    )
    expect(visit.page.locator("[data-path='input.image_urls'] .note")).to_have_text("1 / 3")


def test_a_picture_can_be_given_by_its_address(visitor):
    visit = visitor().open()
    visit.choose_mode("image-to-image")
    address = visit.page.get_by_label("Address of a picture")
    address.fill("ftp://example.com/a.png")
    address.press("Enter")
    assert visit.page.evaluate("document.activeElement.validationMessage").startswith("An address")
    address.fill("https://example.com/a.png")
    address.press("Enter")
    expect(visit.page.locator(".shelf li")).to_contain_text("example.com")
    visit.page.get_by_role("button", name="Remove reference 1").click()
    expect(visit.page.locator(".shelf li")).to_have_count(0)
