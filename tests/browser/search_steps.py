"""Steps that several tests of the search share."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.browser.browser_tab import Visitor
from tests.browser.conftest import ShopService
from tests.e2e.standalone_process import submit_file

DROP = """
([name, content]) => {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
    for (const kind of ["dragenter", "dragover", "drop"]) {
        document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }
}
"""
"""Drops a picture on the page; takes its name and its content in base64."""


def found(page: Page) -> list[str]:
    """Wait for hits and return their items, best first."""
    expect(page.locator(".hit").first).to_be_visible()
    shown = page.locator(".hit").evaluate_all("hits => hits.map((hit) => hit.dataset.item)")
    return [str(item) for item in shown]


def picture_of(service: ShopService, item: int) -> bytes:
    return (service.pictures / service.items[item].files[0]).read_bytes()


def search_by_item(visitor: Visitor, service: ShopService, item: int = 0) -> str:
    visitor.open(f"#/search?collection=shop&item={service.items[item].id}")
    found(visitor.page)
    return service.items[item].id


def submit_dated(service: ShopService, dates: list[str]) -> None:
    """Make the collection `dated`, or write it again: the first items of the shop, each added on one of these dates."""
    rows = [
        {"id": item.id, "image": service.shop.picture_url(item.files[0]), "added": date}
        for item, date in zip(service.items, dates, strict=False)
    ]
    catalog = service.pictures.parent / "dated.jsonl"
    catalog.write_text("".join(json.dumps(row) + "\n" for row in rows))
    service.house.finished(submit_file(service.house, catalog, "dated"))
