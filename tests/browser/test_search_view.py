"""Searching as users do: by an item, a picture, its URL or text; filtered, steered, cropped and shared."""

from __future__ import annotations

import base64
import re
import shutil
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.browser_tab import Visitor, visiting
from tests.browser.conftest import ShopService
from tests.browser.search_steps import DROP, found, picture_of, search_by_item, submit_dated
from tests.e2e.standalone_process import vitrine
from tests.patience import CLICK_PATIENCE

pytestmark = pytest.mark.e2e

_PASTE = """
(text) => {
    const transfer = new DataTransfer();
    transfer.setData("text/plain", text);
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
}
"""


_PASTE_PICTURE = """
([name, content]) => {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
}
"""


def test_an_item_is_picked_and_its_likes_are_shown(visitor: Visitor, service: ShopService) -> None:
    page = visitor.page
    titles = {item.id: item.title for item in service.items}
    visitor.open()
    expect(page.get_by_role("heading", name="Search by picture")).to_be_visible()
    expect(page.locator(".wall img").first).to_have_js_property("complete", value=True)
    assert visitor.serious_violations() == []
    page.locator(".tile").first.click()
    first = found(page)
    assert re.search(r"item=vt-\d+", page.url)
    assert visitor.serious_violations() == []
    page.locator(".hit").nth(2).hover()
    page.locator(".hit").nth(2).get_by_role("button", name="Similar items").click()
    expect(page.locator(".asking-name")).to_have_text(titles[first[2]])
    assert first[2] not in found(page)
    page.go_back()
    expect(page.locator(".asking-name")).not_to_have_text(first[2])
    assert found(page) == first


def test_a_dropped_picture_is_searched_and_its_address_can_be_shared(
    visitor: Visitor, service: ShopService, browser: Browser
) -> None:
    visitor.open()
    expect(visitor.page.locator(".tile").first).to_be_visible()
    content = base64.b64encode(picture_of(service, 5)).decode()
    visitor.page.evaluate(DROP, ["mine.jpg", content])
    shown = found(visitor.page)
    assert shown[0] == service.items[5].id
    expect(visitor.page.locator(".score").first).to_have_text("score 1.00")
    expect(visitor.page.get_by_text("Your picture", exact=True)).to_be_visible()
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor.page.get_by_role("button", name="Copy link").click()
    expect(visitor.page.get_by_role("button", name="Copied")).to_be_visible()
    address = str(visitor.page.evaluate("navigator.clipboard.readText()"))
    assert address == visitor.page.url
    assert len(address) < 16_000
    with visiting(browser, service.url) as other:
        other.page.goto(address)
        assert found(other.page)[:3] == shown[:3]
        expect(other.page.locator("img.asking-thumb")).to_be_visible()


def test_a_chosen_file_is_searched_and_a_part_of_it_cut_out_by_dragging(
    visitor: Visitor, service: ShopService
) -> None:
    page = visitor.page
    visitor.open()
    expect(page.locator(".tile").first).to_be_visible()
    file = str(service.pictures / service.items[9].files[0])
    page.set_input_files("#picture-file", file)
    whole = found(page)
    before = page.url
    page.get_by_role("button", name="Crop").click()
    assert visitor.serious_violations() == []
    stage = page.locator(".crop-stage").bounding_box()
    assert stage is not None
    page.mouse.move(stage["x"] + stage["width"] * 0.35, stage["y"] + stage["height"] * 0.35)
    page.mouse.down()
    page.mouse.move(
        stage["x"] + stage["width"] * 0.65, stage["y"] + stage["height"] * 0.65, steps=4
    )
    page.mouse.up()
    # The page may receive the mouse event a moment after Playwright's call returns.
    expect(page.locator(".crop-frame")).to_have_attribute(
        "style", re.compile(r"width: (29\.[89]|30)")
    )
    page.get_by_role("button", name="Search by this part").click()
    page.wait_for_url(lambda url: url != before)
    expect(page.locator(".score").first).not_to_have_text("score 1.00")
    assert len(found(page)) == len(whole)


def test_a_pasted_address_is_searched(visitor: Visitor, service: ShopService) -> None:
    visitor.open()
    expect(visitor.page.locator(".tile").first).to_be_visible()
    visitor.page.evaluate(_PASTE, service.shop.picture_url(service.items[3].files[0]))
    assert found(visitor.page)[0] == service.items[3].id
    assert "url=" in visitor.page.url


def test_a_pasted_picture_is_searched(visitor: Visitor, service: ShopService) -> None:
    visitor.open()
    expect(visitor.page.locator(".tile").first).to_be_visible()
    content = base64.b64encode(picture_of(service, 7)).decode()
    visitor.page.evaluate(_PASTE_PICTURE, ["clipboard.jpg", content])
    assert found(visitor.page)[0] == service.items[7].id
    expect(visitor.page.get_by_text("Your picture", exact=True)).to_be_visible()


def test_a_typed_address_is_searched(visitor: Visitor, service: ShopService) -> None:
    page = visitor.page
    visitor.open()
    page.get_by_role("searchbox").fill(service.shop.picture_url(service.items[4].files[0]))
    page.get_by_role("button", name="Search", exact=True).click()
    assert found(page)[0] == service.items[4].id
    expect(page.locator("img.asking-thumb")).to_be_visible()


def test_a_hit_shows_its_picture_its_title_its_price_and_its_score(
    visitor: Visitor, service: ShopService
) -> None:
    page = visitor.page
    search_by_item(visitor, service)
    items = {item.id: item for item in service.items}
    for hit in page.locator(".hit").all()[:3]:
        shown = items[str(hit.get_attribute("data-item"))]
        expect(hit.locator("img")).to_have_js_property("complete", value=True)
        assert hit.locator("img").evaluate("image => image.naturalWidth") > 0
        expect(hit.locator(".hit-title")).to_have_text(shown.title)
        expect(hit.locator(".hit-line")).to_contain_text(f"{shown.price:.2f}")
        expect(hit.locator(".score")).to_have_text(re.compile(r"score 0\.\d\d"))


def test_exact_is_asked_for_shared_and_taken_back(visitor: Visitor, service: ShopService) -> None:
    page = visitor.page
    search_by_item(visitor, service)
    first = found(page)
    box = page.get_by_role("checkbox", name=re.compile("^Exact"))
    expect(box).not_to_be_checked()
    with page.expect_request(re.compile("/v1/search$")) as asked:
        box.check()
    assert (asked.value.post_data_json or {})["exact"] is True
    page.wait_for_url(re.compile("exact=1"))
    assert found(page) == first
    page.reload()
    expect(box).to_be_checked()
    assert visitor.serious_violations() == []
    with page.expect_request(re.compile("/v1/search$")) as asked:
        box.uncheck()
    assert "exact" not in (asked.value.post_data_json or {"exact": None})
    assert "exact" not in page.url


def test_a_typed_address_that_is_no_picture_is_said_so(
    visitor: Visitor, service: ShopService
) -> None:
    page = visitor.page
    visitor.open()
    page.get_by_role("searchbox").fill(service.shop.broken_url("page.jpg"))
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("looks like HTML")
    visitor.forgive("422")


def test_words_are_refused_in_clear_words_where_the_model_has_none(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open()
    page.get_by_role("searchbox").fill("a red coat")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_text("understands pictures only")).to_be_visible()
    expect(page.locator(".hit")).to_have_count(0)


def test_filters_come_from_the_collection_and_narrow_what_is_found(
    visitor: Visitor, service: ShopService
) -> None:
    page = visitor.page
    item = search_by_item(visitor, service)
    colour = page.locator("details.facet", has=page.get_by_text("colour", exact=True))
    red = colour.get_by_role("checkbox", name=re.compile("^red"))
    red.check()
    page.wait_for_url(re.compile("filter="))
    reds = {each.id for each in service.items if each.colour == "red"} - {item}
    expect(page.locator(".hit")).to_have_count(len(reds))
    assert set(found(page)) == reds
    expect(colour.get_by_role("checkbox", name=re.compile("^blue"))).to_be_visible()
    prices = sorted(each.price for each in service.items if each.id in reds)
    page.get_by_label("price, at most").fill(str(prices[1]))
    page.get_by_label("price, at most").press("Enter")
    expect(page.locator(".hit")).to_have_count(2)
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(page.locator(".hit").nth(12)).to_be_visible()


def test_a_date_field_is_filtered_from_day_to_day(visitor: Visitor, service: ShopService) -> None:
    page = visitor.page
    days = [f"2026-11-{day:02}T12:00:00Z" for day in range(1, 7)]
    submit_dated(service, days)
    items = [each.id for each in service.items[: len(days)]]
    visitor.open(f"#/search?collection=dated&item={items[0]}")
    expect(page.locator(".hit")).to_have_count(5)
    page.get_by_label("added, from").fill("2026-11-03")
    expect(page.locator(".hit")).to_have_count(4)
    page.get_by_label("added, to").fill("2026-11-04")
    expect(page.locator(".hit")).to_have_count(2)
    assert set(found(page)) == set(items[2:4])
    page.get_by_role("button", name="2026-11-06: 1", exact=True).click()
    expect(page.locator(".hit")).to_have_count(1)
    assert found(page) == [items[5]]
    for name in ("from", "to"):
        expect(page.get_by_label(f"added, {name}")).to_have_value("2026-11-06")
    page.get_by_label("added, to").fill("")
    page.get_by_label("added, from").fill("")
    expect(page.locator(".hit")).to_have_count(5)


def test_a_year_that_is_being_typed_is_not_searched(visitor: Visitor, service: ShopService) -> None:
    page = visitor.page
    submit_dated(service, [f"2026-11-{day:02}T00:00:00Z" for day in range(1, 7)])
    visitor.open(f"#/search?collection=dated&item={service.items[0].id}")
    expect(page.locator(".hit")).to_have_count(5)
    bound = page.get_by_label("added, from")
    bound.fill("0202-11-05")
    expect(page.get_by_label("added, from")).to_have_value("0202-11-05")
    assert "filter" not in page.url
    bound.fill("2026-11-05")
    expect(page.locator(".hit")).to_have_count(2)


def test_nothing_behind_the_filters_is_said_so(visitor: Visitor, service: ShopService) -> None:
    visitor.open(
        f'#/search?collection=shop&item={service.items[0].id}&filter={{"price":{{"lt":0}}}}'
    )
    expect(
        visitor.page.get_by_role("heading", name="No results with these filters")
    ).to_be_visible()
    visitor.page.get_by_role("button", name="Clear filters").click()
    assert found(visitor.page)


def test_plus_and_minus_steer(visitor: Visitor, service: ShopService) -> None:
    page = visitor.page
    search_by_item(visitor, service)
    first = found(page)
    page.locator(".hit").nth(1).hover()
    page.locator(".hit").nth(1).get_by_role(
        "button", name=re.compile("^Less like this one")
    ).click()
    expect(page.locator(".steer.unlike")).to_contain_text(first[1])
    page.wait_for_url(re.compile(f"unlike={first[1]}"))
    assert first[1] not in found(page)[:5]
    page.locator(".hit").nth(2).hover()
    wanted = found(page)[2]
    page.locator(".hit").nth(2).get_by_role(
        "button", name=re.compile("^More like this one")
    ).click()
    expect(page.locator(".steer.like")).to_contain_text(wanted)
    page.wait_for_url(re.compile(f"[?&]like={wanted}"))
    assert wanted not in found(page)  # An example is never among its own results.
    for item in (first[1], wanted):
        page.get_by_role("button", name=f"Remove {item}").click()
    expect(page.locator(".steer")).to_have_count(0)
    assert found(page) == first


def test_the_next_page_comes_on_scrolling_and_no_item_twice(
    visitor: Visitor, service: ShopService
) -> None:
    page = visitor.page
    search_by_item(visitor, service)
    end, until = page.get_by_text("End of results"), time.monotonic() + CLICK_PATIENCE
    while not end.is_visible():
        assert time.monotonic() < until
        page.mouse.wheel(0, 4000)
        page.wait_for_timeout(50)
    shown = found(page)
    assert len(shown) == len(set(shown)) == len(service.items) - 1


def test_a_hit_s_details_tell_its_fields_and_where_its_vector_comes_from(
    visitor: Visitor, service: ShopService
) -> None:
    page = visitor.page
    search_by_item(visitor, service)
    page.locator(".hit-open").first.click()
    drawer = page.get_by_role("dialog")
    expect(
        drawer.get_by_text("content", exact=False).or_(drawer.get_by_text("SHA-256"))
    ).to_be_visible()
    expect(drawer.get_by_role("link", name=service.job)).to_be_visible()
    expect(drawer.get_by_text("category")).to_be_visible()
    assert visitor.serious_violations() == []
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(page.locator(".hit-open").first).to_be_focused()


def test_pictures_that_were_files_are_shown_through_the_service(
    visitor: Visitor, service: ShopService, tmp_path: Path
) -> None:
    page = visitor.page
    for item in service.items[:3]:
        shutil.copy(service.pictures / item.files[0], tmp_path)
    sent = vitrine(
        service.house.data_dir, "submit", str(tmp_path), "--collection", "folder", "--wait"
    )
    assert sent.returncode == 0, sent.stderr
    visitor.open("#/search?collection=folder")
    expect(page.locator(".tile")).to_have_count(3)
    expect(page.locator(".tile img:not(.absent)")).to_have_count(3)
    assert page.locator(".tile img").evaluate_all("all => all.every((one) => one.naturalWidth > 0)")
    page.locator(".tile").first.click()
    expect(page.locator(".hit")).to_have_count(2)
    page.get_by_role("button", name="Crop").click()
    page.get_by_role("button", name="Search by this part").click()
    expect(page.locator(".hit")).to_have_count(3)
    assert "vector=" in page.url


def test_a_phone_shows_all_of_it_without_scrolling_sideways(phone: Visitor) -> None:
    page = phone.page
    phone.open()
    page.locator(".tile").first.tap()
    found(page)
    assert not phone.overflows()
    page.get_by_role("button", name="Filters").tap()
    expect(page.get_by_role("checkbox").first).to_be_visible()
    assert phone.serious_violations() == []
    assert not phone.overflows()


def test_the_keyboard_reaches_the_question_and_a_hit(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open()
    expect(page.locator(".tile").first).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "tile":
            break
    page.keyboard.press("Enter")
    assert found(page)


def test_titles_prices_and_links_of_shop_exports_are_known(visitor: Visitor) -> None:
    visitor.open("#/search")
    shown = visitor.page.evaluate(
        """async (rows) => {
          const { titleOf, priceOf, linkOf } = await import("./page/item_fields.js");
          return rows.map((fields) => [titleOf(fields, "id"), priceOf(fields), linkOf(fields)]);
        }""",
        [
            {"Bezeichnung": "Messer", "Preis": 19.9, "Preis_currency": "EUR"},
            {
                "Title": "Coat",
                "Variant Price": [21.99, 19.99],
                "Product URL": "https://s.example/1",
            },
            {"productName": "Lamp", "price": "on request", "link": "javascript:alert(1)"},
            {"colour": "red"},
        ],
    )
    assert shown == [
        ["Messer", "€19.90", None],
        ["Coat", "19.99 \N{EN DASH} 21.99", "https://s.example/1"],
        ["Lamp", "on request", None],
        ["id", None, None],
    ]
