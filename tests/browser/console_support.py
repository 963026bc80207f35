"""The console as its visitors use it, and the requests that other programs of theirs have sent."""

import asyncio
import concurrent.futures
import datetime
import json
import urllib.request
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, expect

from browser.house import Guest, House
from browser.visit import Visit
from heliograph.accounts.keys import parse_key
from heliograph.accounts.sessions.sign_in import offer_account_link
from heliograph.accounts.store import read_keys_by_id
from heliograph.base.database import open_pool

TEXT = {"mode": "text-to-image", "num_images": 2}


@dataclass(frozen=True)
class Program:
    """A program of a guest's, which speaks to the API."""

    house: House
    guest: Guest

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The `data` of an answer."""
        request = urllib.request.Request(
            self.house.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.guest.api_key}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["data"]

    def submit(self, prompt: str, callback_url: str | None = None, **fields: object) -> str:
        """The id of a new task."""
        body: dict[str, object] = {"input": TEXT | {"prompt": prompt} | fields, "source": "shop"}
        if callback_url:
            body |= {"request_type": "callback", "callback_url": callback_url}
        return str(self.call("POST", "/api/v1/generateTask/wan-2-5-image", body)["taskId"])

    def finish(self, prompt: str, callback_url: str | None = None, **fields: object) -> str:
        """The id of a new task that has ended."""
        task_id = self.submit(prompt, callback_url, **fields)
        path = f"/api/v1/statusTask/wan-2-5-image?taskId={task_id}&wait=60"
        while self.call("GET", path)["state"] in {"pending", "processing"}:
            pass
        return task_id

    def await_deliveries(self, state: str, count: int) -> None:
        """Until so many are in this state: a list that has been read is not read again by itself."""
        while len(self.call("GET", f"/api/v1/webhooks?state={state}")["items"]) < count:
            pass


def enter(visit: Visit, guest: Guest, place: str = "") -> Visit:
    """Open the console at a place and sign in."""
    return open_console(visit, place).sign_in(guest)


def open_console(visit: Visit, place: str = "") -> Visit:
    visit.page.goto(f"{visit.url}/console{place}")
    expect(visit.page.locator("html.ready")).to_be_attached()
    return visit


async def offer(database_url: str, key_id: str) -> str:
    pool = await open_pool(database_url, size=1)
    try:
        stored = await read_keys_by_id(pool, [key_id])
        now = datetime.datetime.now(datetime.UTC)
        link = await offer_account_link(pool, stored[key_id].key.account_id, now=now)
    finally:
        await pool.close()
    return link.address("")


def link_of(house: House, guest: Guest) -> str:
    """The path of a new link for the account of a guest."""
    key_id = parse_key(guest.api_key)
    assert key_id
    url = house.installation.settings["HELIOGRAPH_DATABASE_URL"]
    # The browser's driver keeps a loop in this thread.
    with concurrent.futures.ThreadPoolExecutor(1) as other:
        return other.submit(asyncio.run, offer(url, key_id)).result(30)


def own(visit: Visit, house: House, guest: Guest, place: str = "#/keys") -> Visit:
    """Sign in by a link as the owner of the guest's account, and go to a place of the console."""
    visit.page.goto(visit.url + link_of(house, guest))
    visit.page.locator("form button").click()
    expect(visit.page).to_have_url(f"{visit.url}/console")
    expect(visit.page.locator("html.ready.known")).to_be_attached()
    visit.page.goto(f"{visit.url}/console{place}")
    return visit


def rows(visit: Visit) -> Locator:
    return visit.page.locator("#history .row")


def part(visit: Visit, name: str) -> Locator:
    """A card by the name in its head."""
    return visit.page.get_by_role("region", name=name, exact=True)


def state_is(place: Locator, name: str) -> None:
    """Wait until what stands at a place is in a state."""
    expect(place.locator(".state").first).to_have_attribute("data-state", name)
