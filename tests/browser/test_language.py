"""What the server refuses is told in the language of the page, whatever the browser's own is."""

import pytest
from playwright.sync_api import expect

from browser.access import LOCALES
from browser.house import House

SAID = {
    "en": "Insufficient balance: the task needs $0.12, available is $0.07.",
    "zh": "余额不足：该任务需要 $0.12，可用余额为 $0.07。",
}


@pytest.mark.parametrize(("language", "locale"), [("en", LOCALES["zh"]), ("zh", LOCALES["en"])])
def test_a_refusal_has_the_language_of_the_page(
    visitor, forgiven, house: House, language: str, locale: str
):
    visit = visitor(locale=locale).open()
    if visit.page.locator("html").get_attribute("lang") != language:
        visit.page.locator("#language").click()
        expect(visit.page.locator(f"html[lang={language}].ready")).to_be_attached()
    visit.sign_in(house.guest(dollars=0.07))
    visit.prompt.fill("a lake")
    visit.page.locator("#make").click()
    sentence = visit.page.locator("#notice p[lang]").first
    expect(sentence).to_contain_text(SAID[language])
    expect(sentence).to_have_attribute("lang", language)
    forgiven(visit, "402")
