"""One visitor at the playground: what they do, and what their browser complains of."""

from typing import Any

from playwright.sync_api import BrowserContext, Locator, expect

from browser.house import Guest

STUDIO_MS = 150_000


class Visit:
    """A tab with the playground. Whatever it writes to the console, or asks of others, is kept."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self.page = context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._see(request.url))

    def open(self, fragment: str = "") -> "Visit":
        self.page.goto(f"{self.url}/{fragment}")
        expect(self.page.locator("html.ready")).to_be_attached()
        return self

    def sign_in(self, guest: Guest, *, remember: bool = False) -> "Visit":
        self.page.locator("#key").fill(guest.api_key)
        self.page.locator("#remember").set_checked(remember)
        self.page.locator("#key").press("Enter")
        expect(self.page.locator("html.known")).to_be_attached()
        return self

    @property
    def prompt(self) -> Locator:
        return self.page.locator("#form [data-path='input.prompt'] textarea")

    @property
    def cards(self) -> Locator:
        return self.page.get_by_role("article")

    @property
    def newest(self) -> Locator:
        return self.cards.first

    def pick(self, path: str, value: str) -> None:
        """Choose one of the radio buttons of a field."""
        self.page.locator(f"#form [data-path='{path}'] .pick:has(input[value='{value}'])").click()

    def choose_mode(self, name: str) -> None:
        self.page.locator(f"#form .pick:has(input[data-mode='{name}'])").click()

    def make(self, prompt: str) -> Locator:
        """Write the prompt and send it; gives the card of the new task."""
        before = self.cards.count()
        self.prompt.fill(prompt)
        self.page.locator("#make").click()
        expect(self.cards).to_have_count(before + 1)
        return self.newest

    def json(self) -> str:
        self.page.locator("#json-tab").click()
        return self.page.locator("#json").input_value()

    def call(self, module: str, expression: str, *arguments: Any) -> Any:
        """What a module of the page answers: `expression` names it as `it`, and the arguments as `args`."""
        script = self.page.locator("script[type=module]").get_attribute("src")
        assert script is not None
        address = script.replace("app.js", module)
        return self.page.evaluate(
            f"async (args) => {{ const it = await import('{address}'); return {expression}; }}",
            list(arguments),
        )

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _see(self, address: str) -> None:
        if not address.startswith((f"{self.url}/", "blob:", "data:")):
            self.strangers.append(address)


def state(card: Locator, name: str, *, timeout_ms: int = 20_000) -> None:
    """Wait until the task of a card is in a state."""
    expect(card.locator(".state")).to_have_attribute("data-state", name, timeout=timeout_ms)
