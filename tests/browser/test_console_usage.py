"""Money, day by day and line by line, and what a key may do."""

from pathlib import Path

from playwright.sync_api import expect

from browser.console_support import Program, enter, part
from browser.house import House
from browser.visit import Visit


def call(visit: Visit, module: str, expression: str, *arguments: object) -> object:
    """What a module of the console answers: `expression` names it as `it`, and the arguments as `args`."""
    script = visit.page.locator("script[type=module]").get_attribute("src")
    assert script is not None
    address = script.replace("console.js", module)
    return visit.page.evaluate(
        f"async (args) => {{ const it = await import('{address}'); return {expression}; }}",
        list(arguments),
    )


def test_a_day_is_a_bar_and_a_row_and_every_movement_is_a_line(
    visitor, house: House, tmp_path: Path
):
    guest = house.guest(dollars=2)
    task_id = Program(house, guest).finish("a red boat", num_images=1)
    visit = enter(visitor(), guest, "#/usage")
    expect(visit.page.locator("#usage .figure").first).to_contain_text("$1.97")
    expect(visit.page.locator(".sums")).to_have_text("$0.03 spent$2.00 topped up")
    expect(visit.page.locator(".day-bar")).to_have_count(30)
    expect(visit.page.locator(".day-bar:not(.none)")).to_have_count(1)
    part(visit, "Spent by day").locator("summary").click()
    expect(
        visit.page.get_by_role("table", name="Spent by day").locator("tbody tr")
    ).to_contain_text("$0.03")
    lines = part(visit, "Statement").locator("tbody tr")
    expect(lines).to_have_count(3)
    expect(lines.first).to_contain_text("Charged $0.03 of what was held")
    expect(lines.nth(1)).to_contain_text("-$0.03")
    expect(lines.last).to_contain_text("+$2.00")
    expect(lines.first.get_by_role("link")).to_have_attribute("href", f"#/tasks/{task_id}")
    with visit.page.expect_download() as download:
        part(visit, "Statement").get_by_role("button", name="Download CSV").click()
    download.value.save_as(tmp_path / "statement.csv")
    text = (tmp_path / "statement.csv").read_text()
    assert text.startswith("time,kind,amount,moved,balance,task_id,note")
    assert len(text.splitlines()) == 4


def test_a_time_without_money_says_so_and_stays_in_the_address(visitor, house: House):
    visit = enter(visitor(), house.guest(dollars=1), "#/usage")
    expect(part(visit, "Spent by day")).to_contain_text("Nothing was charged in this time.")
    visit.page.get_by_label("Period").select_option("last-month")
    expect(part(visit, "Statement")).to_contain_text("No money moved in this time.")
    assert visit.page.url.endswith("#/usage?period=last-month")
    visit.page.reload()
    expect(visit.page.get_by_label("Period")).to_have_value("last-month")


def test_the_limits_of_a_key_are_told(visitor, house: House):
    visit = enter(visitor(), house.guest(max_live_tasks=7, rate_limit_per_minute=500), "#/usage")
    expect(visit.page.locator(".figures")).to_contain_text("of 7")
    expect(visit.page.locator(".figures")).to_contain_text("500requests a minute")
    expect(part(visit, "This key")).to_contain_text("Test: placeholders, nothing charged")


def test_caps_are_shown_with_what_is_spent_of_them(visitor, house: House):
    visit = enter(visitor(), house.guest(dollars=1))
    usage = {
        "balance": 5,
        "held": 0,
        "liveTasks": 0,
        "maxLiveTasks": 10,
        "rateLimitPerMinute": 60,
        "monthlyCap": 50,
        "spentThisMonth": 48,
        "totalCap": 200,
        "spentTotal": 50,
    }
    shown = "[...it.figuresOf(args[0]).querySelectorAll('[role=meter]')].map((one) => [one.ariaLabel, one.getAttribute('aria-valuenow'), one.className])"
    assert call(visit, "limits.js", shown, usage) == [
        ["Spent this month", "96", "meter high"],
        ["Spent in all", "25", "meter"],
        ["Tasks under way", "0", "meter"],
    ]


def test_a_csv_file_is_read_whatever_stands_in_it_and_however_it_is_cut(visitor):
    visit = visitor().open()
    visit.page.goto(f"{visit.url}/console")
    text = 'a,b\r\n"x ""y"", z","two\r\nlines"\r\n,\r\n'
    rows = "await Array.fromAsync(it.rowsOf(new ReadableStream({ start(to) { const bytes = new TextEncoder().encode(args[0]); for (const byte of bytes) to.enqueue(Uint8Array.of(byte)); to.close(); } })))"
    assert call(visit, "ledger.js", rows, text) == [
        ["a", "b"],
        ['x "y", z', "two\r\nlines"],
        ["", ""],
    ]


def test_a_scale_ends_at_an_amount_that_reads_well(visitor):
    visit = visitor().open()
    visit.page.goto(f"{visit.url}/console")
    tops = "args.map((amount) => Number(it.roundUp(amount).toPrecision(6)))"
    assert call(visit, "chart.js", tops, 0, 0.03, 0.42, 1, 1.3, 7, 99) == [
        1,
        0.05,
        0.5,
        1,
        2,
        10,
        100,
    ]
