"""A user who is faster than the service: text, searches and ticked filters entered while a
response is pending are kept.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.browser_tab import Visitor
from tests.browser.conftest import ShopService
from tests.browser.search_steps import DROP, found, picture_of, search_by_item

pytestmark = pytest.mark.e2e

COLLECTIONS = re.compile(r"/v1/collections$")
FACETS = re.compile(r"/facets")


@contextmanager
def held(page: Page, address: re.Pattern[str]) -> Iterator[None]:
    """Hold requests that match the address until the block ends."""
    waiting: list[Route] = []
    is_open = False

    def door(route: Route) -> None:
        if is_open:
            route.continue_()
        else:
            waiting.append(route)

    page.route(address, door)
    yield
    is_open = True
    for route in waiting:
        route.continue_()


def test_what_is_typed_before_the_collections_are_known_is_kept(visitor: Visitor) -> None:
    page = visitor.page
    with held(page, COLLECTIONS):
        visitor.open()
        page.get_by_role("searchbox").fill("half a ques")
    expect(page.locator(".tile").first).to_be_visible()
    expect(page.get_by_role("searchbox")).to_have_value("half a ques")


def test_what_is_asked_before_the_collections_are_known_is_searched(
    visitor: Visitor, service: ShopService
) -> None:
    page = visitor.page
    with held(page, COLLECTIONS):
        visitor.open()
        page.get_by_role("searchbox").fill(service.shop.picture_url(service.items[4].files[0]))
        page.get_by_role("button", name="Search", exact=True).click()
        page.wait_for_url(re.compile("url="))
    assert found(page)[0] == service.items[4].id
    expect(page.get_by_role("searchbox")).to_have_value("")
    expect(page.locator("img.asking-thumb")).to_be_visible()


def test_a_picture_dropped_before_the_collections_are_known_is_searched(
    visitor: Visitor, service: ShopService
) -> None:
    page = visitor.page
    content = base64.b64encode(picture_of(service, 5)).decode()
    with held(page, COLLECTIONS):
        visitor.open()
        expect(page.get_by_role("searchbox")).to_be_visible()
        page.evaluate(DROP, ["dropped.jpg", content])
    assert found(page)[0] == service.items[5].id


def test_a_bound_that_is_being_typed_outlives_the_filters_counts(
    visitor: Visitor, service: ShopService
) -> None:
    page = visitor.page
    item = search_by_item(visitor, service)
    reds = {each.id for each in service.items if each.colour == "red"} - {item}
    prices = sorted(each.price for each in service.items if each.id in reds)
    expect(page.get_by_role("checkbox", name=re.compile("^red"))).to_be_visible()
    bound = page.get_by_label("price, at most")
    with page.expect_response(FACETS) as counts, held(page, FACETS):
        page.get_by_role("checkbox", name=re.compile("^red")).check()
        expect(page.locator(".hit")).to_have_count(len(reds))
        bound.fill(str(prices[1]))
    counts.value.finished()
    bound.press("Enter")
    expect(page.locator(".hit")).to_have_count(2)
    assert "red" in page.url


def test_filters_ticked_faster_than_they_are_counted_add_up(
    visitor: Visitor, service: ShopService
) -> None:
    page = visitor.page
    item = search_by_item(visitor, service)
    expect(page.get_by_role("checkbox", name=re.compile("^red"))).to_be_visible()
    wanted = {each.id for each in service.items if each.colour in {"red", "blue"}} - {item}
    with held(page, FACETS):
        page.get_by_role("checkbox", name=re.compile("^red")).check()
        page.get_by_role("checkbox", name=re.compile("^blue")).check()
    expect(page.locator(".hit")).to_have_count(len(wanted))
    assert set(found(page)) == wanted
    expect(page.get_by_role("checkbox", name=re.compile("^red"))).to_be_checked()
    expect(page.get_by_role("checkbox", name=re.compile("^blue"))).to_be_checked()
