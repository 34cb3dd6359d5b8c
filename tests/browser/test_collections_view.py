"""The collections view: the cards, a collection's figures, and its map, by pointer and keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.browser_tab import Visitor
from tests.browser.conftest import ShopService

pytestmark = pytest.mark.e2e

MARGIN = 18  #: Pixels around the map's points.
_COLOURS = """
() => {
    const canvas = document.querySelector(".map-canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Set();
    for (let at = 0; at < data.length; at += 4) {
        if (data[at + 3] > 200) seen.add(`${data[at] >> 4},${data[at + 1] >> 4},${data[at + 2] >> 4}`);
    }
    return seen.size;
}
"""


def open_map(visitor: Visitor) -> Page:
    visitor.open("#/collections/shop")
    expect(visitor.page.locator(".map-canvas")).to_be_visible()
    return visitor.page


def test_collections_are_listed_and_one_is_opened(visitor: Visitor, service: ShopService) -> None:
    page = visitor.page
    visitor.open()
    page.get_by_role("navigation").get_by_role("link", name="Collections").click()
    pictures = sum(len(item.files) for item in service.items)
    expect(page.locator(".collection-card", has_text="shop")).to_contain_text(f"{pictures}")
    assert visitor.serious_violations() == []
    page.get_by_role("link", name="shop", exact=True).click()
    expect(page.get_by_role("heading", name="shop")).to_be_visible()
    figures = page.get_by_label("Figures")
    expect(figures).to_contain_text("builtin")
    expect(figures.get_by_role("link", name=service.job)).to_be_visible()
    told = service.house.get("/v1/collections/shop")
    assert told["storage"]["items"] == len(service.items)
    for name, value in (
        ("Items", f"{len(service.items)}"), ("Storage", "on disk"), ("Alias", "shop"),
        ("Internal name", told["generation"]), ("Dimension", f"{told['space']['dimension']:,}"),
        ("Index", "not needed"),
    ):  # fmt: skip
        expect(
            figures.locator("dt", has_text=re.compile(f"^{name}$")).locator("+ dd")
        ).to_contain_text(value)
    page.get_by_role("link", name="Search shop").click()
    expect(page.get_by_label("Collection", exact=True)).to_have_value("shop")


def test_the_map_is_drawn_coloured_and_answers_the_pointer(visitor: Visitor) -> None:
    page = open_map(visitor)
    assert visitor.serious_violations() == []
    page.get_by_label("Colour by").select_option("colour")
    expect(page.locator(".map-legend")).to_contain_text("red")
    many = page.evaluate(_COLOURS)
    page.get_by_label("Colour by").select_option("")
    assert page.evaluate(_COLOURS) < many
    page.locator(".map-canvas").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".map-hover")).to_be_visible()
    expect(page.locator(".map-hover img")).to_have_js_property("complete", value=True)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog")
    drawer.get_by_role("button", name="Similar items").click()
    page.wait_for_url(re.compile("#/search.*item="))
    expect(page.locator(".hit").first).to_be_visible()


def test_the_pointer_over_a_point_of_the_map_shows_its_picture(
    visitor: Visitor, service: ShopService
) -> None:
    page = open_map(visitor)
    drawn = service.house.get("/v1/collections/shop/map")["points"][0]
    canvas = page.locator(".map-canvas").bounding_box()
    assert canvas is not None
    inside = [canvas[side] - 2 * MARGIN for side in ("width", "height")]
    page.mouse.move(
        canvas["x"] + MARGIN + drawn["x"] * inside[0], canvas["y"] + MARGIN + drawn["y"] * inside[1]
    )
    hover = page.locator(".map-hover")
    expect(hover.locator("img")).to_have_js_property("complete", value=True)
    expect(hover).to_contain_text(re.compile("|".join(item.title for item in service.items)))
    page.mouse.move(canvas["x"] + 1, canvas["y"] - 30)
    expect(hover).to_be_hidden()


def test_a_collection_that_is_not_there_is_said_so(visitor: Visitor) -> None:
    visitor.open("#/collections/none")
    expect(visitor.page.get_by_role("alert")).to_contain_text("There is no collection none")
    visitor.forgive("404")


def test_a_phone_shows_cards_figures_and_map(phone: Visitor) -> None:
    phone.open("#/collections")
    expect(phone.page.locator(".collection-card").first).to_be_visible()
    assert not phone.overflows()
    phone.page.get_by_role("link", name="shop", exact=True).tap()
    expect(phone.page.locator(".map-canvas")).to_be_visible()
    assert not phone.overflows()
    assert phone.serious_violations() == []
