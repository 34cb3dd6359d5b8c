"""The page's frame: API key, theme, text search if the model supports it, and hostile content in a catalog."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.browser_tab import visiting
from tests.http_server import served
from tests.unit.api.api_fixture import Stage, make_stage, put
from vitrine.core.api_keys import Keyring, Scope, new_key
from vitrine.core.settings import Settings

pytestmark = pytest.mark.e2e

KEY, KEPT = new_key("reader", [Scope.READ])
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def staged(keyring: Keyring | None = None) -> Stage:
    """Return an API whose model understands text, and a collection with a hostile item; no host serves its pictures."""
    stage = make_stage(Settings(), keyring)
    put(
        stage.store,
        "summer",
        ("coat", 0, b"a red coat", {"title": "Red coat", "colour": "red"}),
        (HOSTILE, 0, b"hostile", {"title": HOSTILE, "colour": HOSTILE}),
        ("bag", 0, b"bag", {"title": "Bag", "colour": "blue"}),
    )
    return stage


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    """The URL of an API that requires a key."""
    stage = staged(Keyring([KEPT]))
    with served(stage.app, stage.parts.settings) as url:
        yield url


@pytest.fixture(scope="module")
def worded() -> Iterator[str]:
    """The URL of an API without keys."""
    stage = staged()
    with served(stage.app, stage.parts.settings) as url:
        yield url


def test_the_key_is_asked_for_once_and_kept_in_the_tab(browser: Browser, guarded: str) -> None:
    with visiting(browser, guarded) as visitor:
        page = visitor.page
        visitor.open()
        dialog = page.get_by_role("dialog", name="API key required")
        expect(dialog).to_have_count(1)
        assert visitor.serious_violations() == []
        page.get_by_label("API key", exact=True).and_(page.locator("input")).fill("wrong")
        page.get_by_role("button", name="Use this key").click()
        expect(page.get_by_role("alert")).to_contain_text("not valid here")
        page.locator("#api-key").fill(KEY)
        page.get_by_role("button", name="Use this key").click()
        expect(page.locator(".tile")).to_have_count(3)
        page.reload()
        expect(page.locator(".tile")).to_have_count(3)
        assert KEY not in page.url
        assert page.evaluate("Object.keys(localStorage).length + document.cookie.length") == 0
        visitor.forgive("401|ERR_NAME_NOT_RESOLVED|shop.example")


def test_words_are_searched_where_the_model_has_them(browser: Browser, worded: str) -> None:
    with visiting(browser, worded) as visitor:
        page = visitor.page
        visitor.open()
        page.get_by_role("searchbox").fill("a red coat")
        page.get_by_role("searchbox").press("Enter")
        expect(page.locator(".hit-title").first).to_have_text("Red coat")
        assert "text=a+red+coat" in page.url
        page.reload()
        expect(page.get_by_role("searchbox")).to_have_value("a red coat")
        expect(page.locator(".hit-title").first).to_have_text("Red coat")
        visitor.forgive("ERR_NAME_NOT_RESOLVED|shop.example")


def test_words_beside_a_picture_weigh_what_is_chosen(browser: Browser, worded: str) -> None:
    with visiting(browser, worded) as visitor:
        page = visitor.page
        weight = page.get_by_label("Text weight")
        visitor.open("#/search?collection=summer&item=coat")
        expect(page.locator(".hit").first).to_be_visible()
        expect(weight).to_be_hidden()
        page.get_by_role("searchbox").fill("a bag")
        page.get_by_role("searchbox").press("Enter")
        expect(weight).to_have_value("1")
        with page.expect_request(lambda request: request.url.endswith("/v1/search")) as asked:
            weight.select_option("four times as much")
        assert (asked.value.post_data_json or {})["text_weight"] == 4
        expect(page.locator(".hit").first).to_be_visible()
        assert "weight=4" in page.url
        page.reload()
        expect(weight).to_have_value("4")
        assert visitor.serious_violations() == []
        visitor.open("#/search?collection=summer&item=coat&text=a+bag&weight=0.7")
        expect(weight.locator("option:checked")).to_have_text("0.7 times as much")
        visitor.forgive("ERR_NAME_NOT_RESOLVED|shop.example")


def test_where_nothing_was_submitted_yet_the_way_there_is_shown(browser: Browser) -> None:
    stage = make_stage(Settings())
    with served(stage.app, stage.parts.settings) as url, visiting(browser, url) as visitor:
        page = visitor.page
        visitor.open()
        expect(page.get_by_role("heading", name="Nothing to search yet")).to_be_visible()
        assert visitor.serious_violations() == []
        page.get_by_role("navigation").get_by_role("link", name="Collections").click()
        expect(page.get_by_role("heading", name="No collections yet")).to_be_visible()
        page.get_by_role("link", name="Submit a catalog").click()
        expect(page.get_by_role("heading", name="No jobs yet")).to_be_visible()


def test_what_a_catalog_says_is_text_and_never_markup(browser: Browser, worded: str) -> None:
    with visiting(browser, worded) as visitor:
        page = visitor.page
        page.on("dialog", lambda dialog: visitor.complaints.append(f"dialog: {dialog.message}"))
        visitor.open("#/search?collection=summer&item=coat")
        hostile = page.locator(".hit", has_text="onerror")
        expect(hostile.locator(".hit-title")).to_have_text(HOSTILE)
        hostile.locator(".hit-open").click()
        expect(page.get_by_role("dialog").get_by_role("heading", level=2)).to_have_text(HOSTILE)
        assert page.locator("img[src='x'], main script").count() == 0
        visitor.forgive("ERR_NAME_NOT_RESOLVED|shop.example")


@pytest.mark.parametrize(
    "place",
    [
        "#/search?vector=%%%&thumb=%3Csvg%3E", "#/search?filter=[1", "#/search?collection=%00",
        "#/nothing/../..", "#/%E0%A4%A", "#/search?like=a&like=a&filter=null",
    ],
)  # fmt: skip
def test_an_address_that_makes_no_sense_breaks_nothing(
    browser: Browser, worded: str, place: str
) -> None:
    with visiting(browser, worded) as visitor:
        visitor.open(place)
        expect(visitor.page.get_by_role("searchbox")).to_be_visible()
        expect(visitor.page.locator(".tile, .hit, .notice").first).to_be_visible()
        visitor.forgive("ERR_NAME_NOT_RESOLVED|shop.example|status of 4")


def test_light_and_dark_are_chosen_and_remembered(browser: Browser, worded: str) -> None:
    with visiting(browser, worded) as visitor:
        page = visitor.page
        visitor.open()
        expect(page.locator(".tile").first).to_be_visible()
        ground = page.locator("html")
        light = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        page.get_by_role("button", name="Switch to dark").click()
        expect(page.get_by_role("button", name="Switch to light")).to_be_visible()
        expect(ground).not_to_have_css("background-color", light)
        page.evaluate(
            "Promise.all(document.getAnimations().map((one) => one.finished)).then(() => 0)"
        )
        dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert visitor.serious_violations() == []
        page.reload()
        expect(page.get_by_role("button", name="Switch to light")).to_be_visible()
        expect(ground).to_have_css("background-color", dark)
        visitor.forgive("ERR_NAME_NOT_RESOLVED|shop.example")


def test_the_browser_itself_refuses_what_the_policy_forbids(browser: Browser, worded: str) -> None:
    with visiting(browser, worded) as visitor:
        visitor.open()
        run = "window.ran = false; const made = document.createElement('script');"
        with pytest.raises(Exception, match=r"TrustedScript|Trusted Type"):
            visitor.page.evaluate(
                f"{run} made.text = 'window.ran = true'; document.body.append(made)"
            )
        assert visitor.page.evaluate("window.ran") is False
        visitor.forgive("ERR_NAME_NOT_RESOLVED|shop.example|Trusted|Content Security Policy")
