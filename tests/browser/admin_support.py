"""The pages of the operator as their visitors use them."""

import asyncio
import concurrent.futures
import datetime

from playwright.sync_api import expect

from browser.house import House
from browser.visit import Visit
from heliograph.accounts.sessions.sign_in import offer_operator_link
from heliograph.base.database import open_pool


def operator_link(house: House, name: str = "Ada") -> str:
    """A link that signs an operator in, once."""
    # The browser's driver keeps a loop in this thread.
    with concurrent.futures.ThreadPoolExecutor(1) as other:
        url = house.installation.settings["HELIOGRAPH_DATABASE_URL"]
        return other.submit(asyncio.run, _offer(url, name)).result(30)


async def _offer(database_url: str, name: str) -> str:
    pool = await open_pool(database_url, size=1)
    try:
        link = await offer_operator_link(pool, name, now=datetime.datetime.now(datetime.UTC))
    finally:
        await pool.close()
    return link.address("")


def enter(visit: Visit, house: House, place: str = "") -> Visit:
    """Sign in as an operator, and go to a place."""
    visit.page.goto(house.url + operator_link(house))
    visit.page.locator("form button").click()
    visit.page.wait_for_url("**/admin")
    return go(visit, place)


def go(visit: Visit, place: str) -> Visit:
    """Go to a place of the pages, and wait until nothing is being read."""
    visit.page.goto(f"{visit.url}/admin{place}")
    expect(visit.page.locator("html.ready")).to_be_attached()
    section, _, account_id = place.partition("?")[0].removeprefix("#/").partition("/")
    view = "account" if account_id else section or "accounts"
    expect(visit.page.locator(f"body[data-view={view}]")).to_be_attached()
    expect(visit.page.locator("[aria-busy=true]")).to_have_count(0)
    return visit
