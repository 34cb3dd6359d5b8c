"""The system view: workers, queues, throughput, and links to other dashboards."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.browser_tab import Visitor
from tests.browser.conftest import ShopService

pytestmark = pytest.mark.e2e


def test_it_tells_workers_queues_and_whether_everything_answers(
    visitor: Visitor, service: ShopService
) -> None:
    page = visitor.page
    (worker,) = service.house.get("/v1/workers")["workers"]
    visitor.open("#/system")
    workers = page.get_by_role("table", name="Workers")
    expect(workers.get_by_role("rowheader", name=worker["node"])).to_be_visible()
    expect(workers.locator("tbody tr")).to_contain_text(worker["device"])
    queues = page.get_by_role("table", name="Queues")
    expect(queues.get_by_role("row", name=re.compile("^builtin"))).to_be_visible()
    for name in ("ledger", "store", "model builtin"):
        expect(page.locator(".checks li", has_text=name)).to_contain_text("ok")
    assert visitor.serious_violations() == []


def test_the_last_hour_is_drawn_and_told_in_numbers(visitor: Visitor, service: ShopService) -> None:
    page = visitor.page
    minutes = service.house.get("/v1/system")["minutes"]
    assert sum(minute["embedded"] for minute in minutes) > 0
    visitor.open("#/system")
    expect(page.locator(".plot .minute")).to_have_count(60)
    bar = page.locator(".plot .minute", has=page.locator(".embedded")).last
    bar.hover()
    expect(page.locator(".readout")).to_have_text(
        re.compile(r"^\d\d:\d\d: \d+ embedded, \d+ failed")
    )
    expect(page.locator(".plot .bars")).to_have_attribute("aria-label", re.compile("the most at"))
    page.get_by_text("As a table").click()
    table = page.get_by_role("table", name="Pictures per minute")
    expect(table.locator("tbody tr")).not_to_have_count(0)
    assert visitor.serious_violations() == []


def test_it_links_to_flower_and_grafana_where_they_are_named(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open("#/system")
    for name, url in (("Flower", "http://127.0.0.1:5555/"), ("Grafana", "http://127.0.0.1:3000/")):
        link = page.get_by_role("link", name=name)
        expect(link).to_have_attribute("href", url)
        expect(link).to_have_attribute("rel", "noopener noreferrer")


def test_what_does_not_answer_is_named(visitor: Visitor) -> None:
    def not_ready(route: Route) -> None:
        checks = {"ledger": "ok", "store": "The store does not answer."}
        body = {"status": 503, "code": "not_ready", "detail": "store", "checks": checks}
        route.fulfill(status=503, json=body, content_type="application/problem+json")

    visitor.page.route("**/readyz", not_ready)
    visitor.open("#/system")
    expect(visitor.page.locator(".checks li", has_text="store")).to_contain_text("does not answer")
    expect(visitor.page.locator(".checks li", has_text="ledger")).to_contain_text("ok")
    visitor.forgive("503")


def test_a_service_that_is_gone_is_said_so_and_what_was_seen_stays(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open("#/system")
    expect(page.get_by_role("table", name="Workers")).to_be_visible()
    page.route("**/v1/system", lambda route: route.abort())
    expect(page.get_by_role("alert")).to_contain_text("The service is unreachable")
    expect(page.get_by_role("table", name="Workers")).to_be_visible()
    page.unroute("**/v1/system")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    visitor.forgive("ERR_FAILED")


def test_a_phone_shows_all_of_it_without_scrolling_sideways(phone: Visitor) -> None:
    phone.open("#/system")
    expect(phone.page.get_by_role("table", name="Workers")).to_be_visible()
    assert not phone.overflows()
    assert phone.serious_violations() == []
