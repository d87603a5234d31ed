"""The API reference as its readers meet it: by eye, by keyboard, by ear, on paper, on a phone."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Locator, Page, expect

from kotally.api.answers import REASONS
from kotally.api.routes import ROUTES
from tests.pages.conftest import PAGE, TALL, WIDE, Reader

NARROW = 390
NARROWEST = 320  # a page of 1280 enlarged to 400 %
WIDTHS = pytest.mark.parametrize("width", [WIDE, NARROW])
CONTRAST = "color-contrast"

# What has the focus: its words, whether its outline can be told from the page, and where it is.
FOCUSED = """() => {
  const element = document.activeElement
  const style = getComputedStyle(element)
  const box = element.getBoundingClientRect()
  return {
    text: element.innerText.replace(/\\s+/g, " ").trim(),
    tag: element.tagName,
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
      && style.outlineColor !== getComputedStyle(document.body).backgroundColor,
    seen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  }
}"""
# Each element that reaches beyond the window, unless it is inside something that scrolls.
TOO_WIDE = """() => [...document.body.querySelectorAll("*")]
  .filter(element => !element.closest("pre, .wide, .skip"))
  .filter(element => element.getBoundingClientRect().right > document.documentElement.clientWidth)
  .map(element => element.outerHTML.slice(0, 80))"""
PAPER = "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
UNFOLD = '() => document.querySelectorAll("details").forEach(folded => { folded.open = true })'
THIN = """() => document
  .querySelectorAll("[aria-labelledby]:not(:nth-of-type(10n+1)), tr[id]:not(:nth-of-type(10n+1))")
  .forEach(one => one.remove())"""


async def test_the_page_asks_nobody_else_and_the_browser_complains_of_nothing(
    reader: Reader,
) -> None:
    page = await reader.open()
    await page.wait_for_load_state("networkidle")

    paths = {url.removeprefix(reader.address) for url in reader.asked}
    assert {PAGE, "/static/tokens.css", "/static/reference.css"} <= paths
    assert {path for path in paths - {PAGE} if not path.startswith("/static/")} == set()
    assert reader.complaints == []


async def test_what_the_policy_forbids_is_heard(reader: Reader) -> None:
    """The policy is on in these tests, and breaking it would be noticed."""
    page = await reader.open()
    await page.evaluate("() => document.body.insertAdjacentHTML('beforeend', '<b style=top:0>')")
    await expect(page.locator("body > b")).to_be_attached()

    assert "Content Security Policy" in reader.complaints.pop()


async def test_the_whole_page_is_accessible(reader: Reader) -> None:
    """All but the contrast and the foldings, which take long on so long a page; see below."""
    page = await reader.open()

    await accessible(page, {CONTRAST: {"enabled": False}})


@WIDTHS
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_is_accessible_to_everyone(reader: Reader, scheme: str, width: int) -> None:
    """Look at every tenth endpoint and code, among which are all kinds of them."""
    page = await reader.open(width=width, color_scheme=scheme)
    await page.evaluate(UNFOLD)
    await page.evaluate(THIN)
    methods = await page.locator("section .verb").all_inner_texts()
    assert {*methods} == {"GET", "POST"}

    await accessible(page, {"target-size": {"enabled": True}})


async def test_the_page_is_as_light_or_dark_as_its_reader_wants(reader: Reader) -> None:
    page = await reader.open(color_scheme="light")
    light = await page.evaluate(PAPER)
    await page.emulate_media(color_scheme="dark")
    dark = await page.evaluate(PAPER)

    assert min(light) > 200
    assert max(dark) < 50


async def test_nothing_reaches_beyond_the_window(reader: Reader) -> None:
    page = await reader.open()
    await page.evaluate(UNFOLD)

    for width in (WIDE, 861, 860, NARROW, NARROWEST):
        await page.set_viewport_size({"width": width, "height": TALL})
        assert await page.evaluate("() => document.documentElement.scrollWidth") == width
        assert await page.evaluate(TOO_WIDE) == []


async def test_the_keyboard_reaches_every_link_and_then_the_first_endpoint(reader: Reader) -> None:
    page = await reader.open()
    links = await page.locator("nav a").all_inner_texts()
    stops = [await tab(page) for _ in range(len(links) + 4)]

    # The skip link, the navigation, the two variables of the shell, then the first endpoint.
    assert [stop["text"] for stop in stops[1:-3]] == [" ".join(link.split()) for link in links]
    assert len(links) == len(ROUTES) + 3
    assert stops[-3]["text"].startswith("export KOTALLY=")
    assert stops[-2]["text"].startswith("Field Type Meaning")
    assert stops[-1]["text"].startswith("curl ")
    assert [stop for stop in stops if not (stop["outlined"] and stop["seen"])] == []


async def test_the_keyboard_can_skip_the_navigation(reader: Reader) -> None:
    page = await reader.open(width=NARROW)
    skip = page.get_by_role("link", name="Skip to the content")
    await expect(skip).not_to_be_in_viewport()
    first = await tab(page)

    assert (first["text"], first["outlined"], first["seen"]) == ("Skip to the content", True, True)
    await page.keyboard.press("Enter")
    assert (await tab(page))["text"].startswith("export KOTALLY=")


async def test_a_long_line_is_scrolled_by_the_keyboard(reader: Reader) -> None:
    page = await reader.open(width=NARROWEST)
    example = page.locator("#post-grants pre").first
    await example.focus()
    await page.keyboard.press("ArrowRight")

    await expect(example).to_be_focused()
    await page.wait_for_function("() => document.activeElement.scrollLeft > 0")


@pytest.mark.parametrize("how", ["mouse", "keyboard"])
async def test_the_outcomes_are_unfolded_and_lead_to_the_catalogue(
    reader: Reader, how: str
) -> None:
    page = await reader.open()
    folded = page.locator("#post-grants details")
    title = folded.locator("summary")
    outcomes = folded.locator("li")
    await expect(title).to_have_text(f"{await outcomes.count()} possible outcomes")
    await expect(outcomes.first).to_be_hidden()
    await act(title, how)
    await expect(outcomes.first).to_be_visible()
    last = outcomes.last.get_by_role("link")
    code = await last.inner_text()
    await act(last, how)

    assert code in REASONS
    assert urlsplit(page.url).fragment == code
    await landed(page, code)


async def test_every_endpoint_can_be_read_without_scripts(reader: Reader) -> None:
    page = await reader.open(java_script_enabled=False)

    endpoints = page.locator("main section[aria-labelledby]")
    assert await endpoints.count() == len(ROUTES)
    for part in ("h3", ".path", ".path + p", "h4 + pre", "summary"):
        shown = endpoints.filter(has=page.locator(f"{part} >> visible=true"))
        assert await shown.count() == len(ROUTES), part
    title = endpoints.first.locator("summary")
    await title.click()
    await expect(endpoints.first.locator("li").first).to_be_visible()


@WIDTHS
async def test_a_link_from_elsewhere_lands_where_it_says(reader: Reader, width: int) -> None:
    page = await reader.open("#get-contacts-id-ledger", width=width)
    await landed(page, "get-contacts-id-ledger")
    for anchor in ("post-grants", "get-reasons", "reasons", "RATE_LIMITED", "start"):
        await page.goto(f"{reader.address}{PAGE}#{anchor}")
        await landed(page, anchor)


@WIDTHS
async def test_the_navigation_leads_to_the_endpoint_it_names(reader: Reader, width: int) -> None:
    page = await reader.open(width=width)
    link = page.locator("nav a", has_text="/work-items/{id}/resolve")
    await link.click()

    await landed(page, "post-work-items-id-resolve")
    path = page.locator("section:target .path code")
    await expect(path).to_have_text("/api/v2/work-items/{id}/resolve")


async def test_the_headings_are_the_contents(reader: Reader) -> None:
    page = await reader.open()
    await expect(page).to_have_title("Kotally API reference")
    headings = [
        (int(level), text)
        for level, text in await page.locator("h1, h2, h3, h4, h5, h6").evaluate_all(
            "all => all.map(heading => [heading.tagName.slice(1), heading.innerText])"
        )
    ]

    levels = [level for level, _ in headings]
    assert [text for level, text in headings if level == 1] == ["Kotally API reference"]
    assert levels[0] == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))
    contents: list[str] = []
    for tag in dict.fromkeys(route.tag for route in ROUTES):
        contents += [tag, *(route.summary for route in ROUTES if route.tag == tag)]
    assert [text for level, text in headings if level in {2, 3}] == [*contents, "Reason codes"]


async def test_words_of_the_protocol_are_set_as_code(reader: Reader) -> None:
    page = await reader.open()
    await page.evaluate(UNFOLD)

    said = page.locator("#post-entitlements-deduct .path + p code")
    assert await said.all_inner_texts() == ["balance_after", "slices"]
    assert "`" not in await page.locator("body").inner_text()


async def test_paper_shows_everything_and_no_navigation(reader: Reader) -> None:
    page = await reader.open(width=560)  # a sheet of A5
    await page.emulate_media(media="print")

    await expect(page.locator("nav")).to_be_hidden()
    await expect(page.locator("#post-grants details li").last).to_be_visible()
    cut = await page.locator("pre").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth).length"
    )
    assert cut == 0


async def accessible(page: Page, rules: dict[str, Any]) -> None:
    """Demand that axe finds nothing; its script is evaluated from outside, under the policy."""
    found = await Axe().run(page, options={"resultTypes": ["violations"], "rules": rules})

    assert found.violations_count == 0, found.generate_report()
    assert len(found.response["passes"]) > 30, "little was looked at"


async def tab(page: Page) -> dict[str, Any]:
    """Go on by one, and tell what has the focus."""
    await page.keyboard.press("Tab")
    return await page.evaluate(FOCUSED)


async def act(on: Locator, how: str) -> None:
    """Click or press."""
    await (on.click() if how == "mouse" else on.press("Enter"))


async def landed(page: Page, anchor: str) -> None:
    """Demand that what the address names is marked, at the top, and not below anything."""
    target = page.locator(f"[id='{anchor}']:target")
    await expect(target).to_be_in_viewport()
    box = await target.bounding_box()
    assert box is not None
    end = await page.evaluate("() => document.documentElement.scrollHeight - scrollY - innerHeight")
    assert 0 <= box["y"] <= TALL / 2 or (end < 1 and box["y"] < TALL)
    covered = "one => !one.contains(document.elementFromPoint(%s, %s))"
    assert not await target.evaluate(covered % (box["x"] + 30, box["y"] + 20))
