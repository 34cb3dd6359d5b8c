"""The jobs view as users work with it: drop a catalog, check it, map its columns and submit it;
watch, stop, and retry failures.
"""

from __future__ import annotations

import base64
import csv
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.browser_tab import Visitor
from tests.browser.conftest import ShopService
from tests.e2e.blocking_host import BACK, HeldShop
from tests.unit.workers.fetch.site import answer

pytestmark = pytest.mark.e2e

_DROP = """
([name, content]) => {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type: "text/csv" }));
    const room = document.querySelector(".jobs-view");
    for (const kind of ["dragenter", "dragover", "drop"]) {
        room.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }
}
"""

FEEDS = Path(__file__).parents[1] / "cases" / "feeds"


def drop(page: Page, name: str, content: str) -> None:
    page.evaluate(_DROP, [name, base64.b64encode(content.encode()).decode()])


def figure_of(page: Page, name: str) -> Locator:
    """Return the locator of one of a job's figures, for changing values."""
    return page.locator(".figures > div", has=page.get_by_text(name, exact=True)).locator("dd")


def figure(page: Page, name: str) -> str:
    """Return the present value of one of a job's figures."""
    return figure_of(page, name).inner_text()


def stage_of(page: Page, name: str) -> Locator:
    """Return the locator of one of a job's stages."""
    return page.get_by_role("list", name="Stages").locator("li", has_text=name)


def ends_as(page: Page, state: str) -> None:
    expect(page.locator(".view-head .job-state")).to_have_text(state)


@pytest.fixture
def held(service: ShopService) -> Iterator[HeldShop]:
    """A shop with closed doors, reopened for later tests."""
    service.held.shut()
    yield service.held
    service.held.open()


def held_catalog(shop: HeldShop, name: str, pictures: int, *, behind: int = 0) -> str:
    """Return a catalog of held pictures, followed by some in the back room."""
    urls = [*shop.urls(pictures), *shop.urls(behind, room=BACK)]
    rows = [f"{name}-{number},{url}" for number, url in enumerate(urls)]
    return "\n".join(["id,image", *rows]) + "\n"


def submit(visitor: Visitor, name: str, content: str) -> None:
    visitor.open("#/jobs")
    expect(visitor.page.get_by_role("heading", name="Jobs")).to_be_visible()
    drop(visitor.page, f"{name}.csv", content)
    visitor.page.get_by_role("button", name=re.compile("^Submit")).click()


def test_the_list_leads_to_a_finished_job_with_its_summary(
    visitor: Visitor, service: ShopService
) -> None:
    page = visitor.page
    visitor.open("#/jobs")
    row = page.locator(".jobs-list li", has=page.locator(f'a[href="#/jobs/{service.job}"]'))
    expect(row).to_contain_text("completed with failures")
    expect(row.get_by_role("progressbar")).to_have_attribute("aria-valuetext", re.compile("failed"))
    assert visitor.serious_violations() == []
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name="catalog.csv")).to_be_visible()
    job = service.house.get(f"/v1/jobs/{service.job}")
    expect(page.locator(".summary")).to_contain_text(f"{job['embedded']} pictures searchable")
    assert figure(page, "Embedded") == str(job["embedded"])
    expect(page.get_by_role("link", name="Search shop")).to_have_attribute(
        "href", "#/search?collection=shop"
    )
    expect(page.get_by_role("table", name="Rejected rows").locator("tbody tr")).to_have_count(
        job["rejected_rows"]
    )
    assert visitor.serious_violations() == []


def test_a_dropped_catalog_is_looked_at_mapped_and_submitted(
    visitor: Visitor, service: ShopService
) -> None:
    page = visitor.page
    visitor.open("#/jobs")
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    good = [
        f"Shirt {number},{service.shop.picture_url(item.files[0])},{number}.5"
        for number, item in enumerate(service.items[:5])
    ]
    drop(page, "My Shirts.csv", "\n".join(["name,link,price", *good, "Shirt 1,ftp://h/x.jpg,1"]))
    expect(page.get_by_text("No column found for the id and the pictures")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Submit"))).to_be_hidden()
    page.get_by_label("Use name as").select_option("Id")
    expect(page.get_by_text("No column found for the pictures")).to_be_visible()
    expect(page.get_by_label("Use name as")).to_have_value("id")
    page.get_by_label("Use link as").select_option("Picture")
    expect(page.locator(".verdict")).to_have_text(
        "5 items with 5 pictures, 1 row would be rejected."
    )
    problem = page.get_by_role("table", name="Rejected rows").locator("tbody tr")
    expect(problem).to_contain_text("ftp://")
    expect(problem.locator("td").first).to_have_text("7")
    expect(page.get_by_role("row", name=re.compile("^price"))).to_contain_text("float")
    expect(page.get_by_label("Collection")).to_have_value("my-shirts")
    assert visitor.serious_violations() == []
    page.get_by_label("Collection").fill("mapped")
    page.get_by_role("button", name="Submit 5 items").click()
    page.wait_for_url(re.compile(r"#/jobs/[0-9a-f]{12}$"))
    ends_as(page, "completed")
    assert (figure(page, "Embedded"), figure(page, "Rejected rows")) == ("5", "1")
    assert service.house.get("/v1/collections/mapped")["points"] == 5


def test_a_catalog_whose_names_are_usual_needs_no_mapping(
    visitor: Visitor, service: ShopService
) -> None:
    page = visitor.page
    visitor.open("#/jobs/new")
    page.set_input_files("#catalog-file", str(service.catalog))
    expect(page.get_by_label("Use id as")).to_have_value("id")
    expect(page.get_by_label("Use images as")).to_have_value("image")
    expect(page.get_by_label("Use price as")).to_have_value("field")
    expect(page.locator(".verdict")).to_contain_text("2 rows would be rejected")
    with service.catalog.open(encoding="utf-8") as file:
        first = next(csv.DictReader(file))
    expect(page.get_by_role("row", name=re.compile("^title"))).to_contain_text(first["title"])


def test_a_platforms_export_is_recognised_and_its_options_are_changed(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open("#/jobs/new")
    page.set_input_files("#catalog-file", str(FEEDS / "c07-magento.csv"))
    expect(page.get_by_text("Recognised: Magento 2.")).to_be_visible()
    root = page.get_by_label("Picture paths start at")
    expect(root).to_have_value("https://SHOP/media/catalog/product")
    expect(page.get_by_label("Use small_image as")).to_have_value("left_out")
    expect(page.get_by_text("Choose it below")).to_be_hidden()
    root.fill("https://shop.example/media")
    root.press("Enter")
    expect(page.locator(".verdict")).to_contain_text(re.compile("[23] items with"))
    expect(root).to_be_focused()
    page.get_by_label("Merge into one item").select_option("name")
    expect(page.get_by_label("Use name as")).to_have_value("id")
    expect(page.get_by_text("Rows with one name become one item.")).to_be_visible()
    page.get_by_label("Platform").select_option("None")
    expect(page.get_by_text("Recognised:")).to_be_hidden()
    assert visitor.serious_violations() == []


def test_a_feed_is_read_from_its_url(visitor: Visitor, service: ShopService) -> None:
    page = visitor.page
    visitor.open("#/jobs/new")
    picture = service.shop.picture_url(service.items[0].files[0])
    service.feeds.pages["/feeds/new.csv?key=1"] = answer(200, f"id,image\n1,{picture}\n".encode())
    page.get_by_label("Or the URL of a feed").fill(service.feeds.url("/feeds/new.csv?key=1"))
    assert visitor.serious_violations() == []
    page.get_by_role("button", name="Read the feed").click()
    expect(page.locator(".verdict")).to_have_text("1 item with 1 picture, nothing to reject.")
    expect(page.get_by_label("Collection")).to_have_value("new")
    page.get_by_role("button", name="Submit 1 item").click()
    ends_as(page, "completed")


def test_a_file_that_cannot_be_read_keeps_its_options(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open("#/jobs/new")
    rows = b"colour,size\nred,S\n"
    page.set_input_files("#catalog-file", {"name": "r.csv", "mimeType": "text/csv", "buffer": rows})
    expect(page.get_by_text("No column found for the id and the pictures")).to_be_visible()
    encoding = page.get_by_label("Encoding")
    encoding.fill("klingon")
    encoding.press("Enter")
    expect(page.get_by_text("is not a text encoding")).to_be_visible()
    encoding.fill("utf-8")
    encoding.press("Enter")
    expect(page.get_by_text("is not a text encoding")).to_be_hidden()
    expect(page.get_by_text("No column found for the id and the pictures")).to_be_visible()
    assert all("422" in complaint for complaint in visitor.complaints)
    visitor.complaints.clear()


def test_of_a_large_catalog_the_beginning_is_looked_at(visitor: Visitor, tmp_path: Path) -> None:
    rows = (f"sku-{n},https://shop.example/pictures/{n}/front-of-it.jpg\n" for n in range(100_000))
    large = tmp_path / "large.csv"
    large.write_text("id,image\n" + "".join(rows))
    assert large.stat().st_size > 4 * 1024 * 1024
    visitor.open("#/jobs/new")
    visitor.page.set_input_files("#catalog-file", str(large))
    expect(visitor.page.locator(".verdict")).to_have_text(
        "In the first 10,000 rows: 10,000 items with 10,000 pictures, nothing to reject."
    )
    expect(visitor.page.get_by_role("button", name="Submit the whole catalog")).to_be_visible()


def test_a_file_that_broke_off_is_reported_before_and_after_the_upload(
    visitor: Visitor, service: ShopService
) -> None:
    page = visitor.page
    packer = zlib.compressobj(wbits=31)
    good = f"whole,{service.shop.picture_url(service.items[0].files[0])}\n"
    text = f"id,image\n{good}" + "x,\n" * 1500 + "y," + "z" * 100_000
    cut_off = packer.compress(text.encode()) + packer.flush(zlib.Z_SYNC_FLUSH)
    visitor.open("#/jobs/new")
    page.set_input_files(
        "#catalog-file", {"name": "cut.csv.gz", "mimeType": "application/gzip", "buffer": cut_off}
    )
    told = page.locator(".notice", has_text="The file broke off at line 1,503")
    expect(told).to_have_count(1)
    expect(told).to_contain_text("The rows after it are missing.")
    assert visitor.serious_violations() == []
    page.get_by_role("button", name="Submit 1 item").click()
    page.wait_for_url(re.compile(r"#/jobs/[0-9a-f]{12}$"))
    ends_as(page, "completed")
    expect(told).to_have_count(1)
    expect(told).to_contain_text("Submit the whole file again")
    rejected = page.locator("section", has_text="1,501 rows rejected")
    expect(rejected).to_contain_text("no image 1,500 · unreadable 1")
    expect(rejected).to_contain_text(
        "Only the first 1,000 are kept, and the place where the file broke off."
    )
    last = page.get_by_role("table", name="Rejected rows").locator("tbody tr").last
    expect(last.locator("td").first).to_have_text("1,503")
    assert visitor.serious_violations() == []
    visitor.open("#/jobs")
    row = page.locator(".jobs-list li", has_text="cut.csv.gz")
    expect(row).to_contain_text("1,501 rows rejected; the file broke off")


def test_what_is_no_catalog_is_said_before_anything_is_sent(visitor: Visitor) -> None:
    visitor.open("#/jobs/new")
    visitor.page.set_input_files(
        "#catalog-file",
        {"name": "report.csv", "mimeType": "text/csv", "buffer": b"%PDF-1.7 and more"},
    )
    expect(visitor.page.get_by_role("alert")).to_contain_text("is a PDF document")
    expect(visitor.page.get_by_role("button", name=re.compile("^Submit"))).to_be_hidden()
    visitor.forgive("422")


def test_markup_in_a_catalog_stays_text(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open("#/jobs/new")
    content = b'id,image,"<img src=x onerror=alert(1)>"\n<b>a</b>,javascript:alert(1),<script>alert(1)</script>\n'
    page.set_input_files(
        "#catalog-file", {"name": "<i>x.csv", "mimeType": "text/csv", "buffer": content}
    )
    expect(page.get_by_text("<script>alert(1)</script>")).to_be_visible()
    expect(page.get_by_role("rowheader", name="<img src=x onerror=alert(1)>")).to_be_visible()
    assert page.locator("main script, main b, main i, main a[href^=javascript]").count() == 0


def test_a_job_is_watched_while_it_runs(visitor: Visitor, held: HeldShop) -> None:
    page = visitor.page
    submit(visitor, "slow", held_catalog(held, "slow", 70))
    ends_as(page, "running")
    assert (figure(page, "Pending"), figure(page, "Embedded")) == ("70", "0")
    expect(page.locator(".stages li", has_text="Running")).to_contain_text("2 chunks")
    expect(page.get_by_role("button", name="Stop the job")).to_be_visible()
    assert visitor.serious_violations() == []
    held.open()
    ends_as(page, "completed")
    assert figure(page, "Embedded") == "70"
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "70")
    expect(page.get_by_role("button", name="Stop the job")).to_have_count(0)
    expect(page.locator("#announcements")).to_contain_text("The job is completed")


def test_rate_time_left_and_stages_go_on_while_a_job_runs(visitor: Visitor, held: HeldShop) -> None:
    page = visitor.page
    # The first chunk's 64 pictures wait for `doors`, those of the second for the back room's.
    submit(visitor, "staged", held_catalog(held, "staged", 64, behind=6))
    expect(stage_of(page, "Fetch")).to_contain_text("70 pictures now")
    expect(stage_of(page, "Embed")).to_contain_text("0 pictures now")
    assert re.search(r"\d", figure(page, "Time left")) is None
    held.doors.set()
    expect(figure_of(page, "Embedded")).to_have_text("64")
    expect(figure_of(page, "Pictures per second")).to_have_text(re.compile(r"^(?!0$)[\d.]+$"))
    expect(figure_of(page, "Time left")).to_have_text(re.compile(r"^about \d"))
    expect(stage_of(page, "Fetch")).to_contain_text("6 pictures now")
    for name in ("Fetch", "Decode", "Embed", "Store"):
        expect(stage_of(page, name).locator(".number").first).to_have_text(
            re.compile(r"^[\d.]+ m?s$")
        )
    assert visitor.serious_violations() == []
    held.back_doors.set()
    ends_as(page, "completed")
    for name in ("Fetch", "Decode", "Embed", "Store"):
        expect(stage_of(page, name)).to_contain_text("70 pictures")


def test_a_job_is_stopped_once_that_is_meant(
    visitor: Visitor, service: ShopService, held: HeldShop
) -> None:
    page = visitor.page
    submit(visitor, "stopped", held_catalog(held, "stopped", 3))
    page.get_by_role("button", name="Stop the job").click()
    dialog = page.get_by_role("dialog", name="Stop this job?")
    expect(dialog).to_contain_text("3 pictures will not be embedded")
    assert visitor.serious_violations() == []
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator(".view-head .job-state")).to_have_text("running")
    page.get_by_role("button", name="Stop the job").click()
    dialog.get_by_role("button", name="Stop it").click()
    expect(page.locator(".view-head .job-state")).to_have_text(re.compile("stopping|cancelled"))
    held.open()  # What a worker holds must finish by itself.
    ends_as(page, "cancelled")
    job = service.house.get(f"/v1/jobs/{page.url.rpartition('/')[2]}")
    assert job["embedded"] + job["cancelled"] == 3


def test_failures_are_told_by_reason_and_host_and_tried_again(
    visitor: Visitor, service: ShopService
) -> None:
    page = visitor.page
    before = service.house.get(f"/v1/jobs/{service.job}")
    visitor.open(f"#/jobs/{service.job}")
    table = page.get_by_role("table", name="Failed pictures")
    expect(table.locator("tbody tr")).to_have_count(before["failed"])
    link = table.get_by_role("link", name=service.shop.broken_url("sold-out.jpg"))
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    reason = page.get_by_role("button", name=re.compile("^not found"))
    expect(reason).to_contain_text("2")
    reason.click()
    expect(reason).to_have_attribute("aria-pressed", "true")
    expect(table.locator("tbody tr")).to_have_count(2)
    page.get_by_role("button", name=re.compile(r"^127\.0\.0\.1")).click()
    expect(page.get_by_role("button", name="Retry: not found at 127.0.0.1")).to_be_visible()
    assert visitor.serious_violations() == []
    page.get_by_role("button", name=re.compile(r"^127\.0\.0\.1")).click()
    page.get_by_role("button", name="Retry: not found").click()
    expect(page.locator(".notice")).to_have_text("Retrying 2 pictures.")
    ends_as(page, "completed with failures")
    expect(table.locator("tbody tr")).to_have_count(before["failed"])
    after = service.house.get(f"/v1/jobs/{service.job}")
    assert after["failed_by_reason"] == before["failed_by_reason"]
    assert after["finished_at"] > before["finished_at"]


def test_failures_of_one_host_are_tried_again(visitor: Visitor, service: ShopService) -> None:
    page = visitor.page
    before = service.house.get(f"/v1/jobs/{service.job}")
    visitor.open(f"#/jobs/{service.job}")
    host = page.get_by_role("button", name=re.compile(r"^127\.0\.0\.1"))
    table = page.get_by_role("table", name="Failed pictures")
    expect(table.locator("tbody tr")).to_have_count(before["failed"])
    host.click()
    of_host = int(host.locator(".number").inner_text())
    assert 0 < of_host < before["failed"]
    expect(table.locator("tbody tr")).to_have_count(of_host)
    page.get_by_role("button", name="Retry: at 127.0.0.1").click()
    expect(page.locator(".notice")).to_have_text(f"Retrying {of_host} pictures.")
    ends_as(page, "completed with failures")
    expect(table.locator("tbody tr")).to_have_count(before["failed"])
    after = service.house.get(f"/v1/jobs/{service.job}")
    assert after["failed_by_reason"] == before["failed_by_reason"]
    assert after["finished_at"] > before["finished_at"]


def test_failures_are_downloaded_as_they_are_filtered(
    visitor: Visitor, service: ShopService
) -> None:
    page = visitor.page
    visitor.open(f"#/jobs/{service.job}")
    page.get_by_role("button", name=re.compile("^too large")).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    assert download.value.suggested_filename == f"failures-{service.job}.csv"
    with Path(download.value.path()).open(encoding="utf-8") as file:
        assert [row["reason"] for row in csv.DictReader(file)] == ["too_large", "too_large"]


def test_a_job_that_is_not_there_is_said_so(visitor: Visitor) -> None:
    visitor.open("#/jobs/000000000000")
    expect(visitor.page.get_by_role("alert")).to_contain_text("000000000000")
    visitor.forgive("404")


def test_a_phone_shows_jobs_without_scrolling_sideways(
    phone: Visitor, service: ShopService
) -> None:
    phone.open("#/jobs")
    expect(phone.page.locator(".jobs-list li").first).to_be_visible()
    assert not phone.overflows()
    phone.open(f"#/jobs/{service.job}")
    expect(phone.page.get_by_role("table", name="Failed pictures")).to_be_visible()
    assert not phone.overflows()
    assert phone.serious_violations() == []
    phone.open("#/jobs/new")
    phone.page.set_input_files("#catalog-file", str(service.catalog))
    expect(phone.page.locator(".verdict")).to_be_visible()
    assert not phone.overflows()
    assert phone.serious_violations() == []


def test_the_keyboard_submits_a_catalog_and_the_key_goes_with_it(
    visitor: Visitor, service: ShopService
) -> None:
    page = visitor.page
    visitor.open("#/jobs/new")
    page.evaluate("sessionStorage.setItem('vitrine.key', 'a-key')")
    row = f"keyed,{service.shop.picture_url(service.items[0].files[0])}"
    page.set_input_files(
        "#catalog-file",
        {"name": "keyed.csv", "mimeType": "text/csv", "buffer": f"id,image\n{row}\n".encode()},
    )
    expect(page.get_by_label("Collection")).to_be_visible()
    page.get_by_label("Collection").focus()
    with (
        page.expect_request(re.compile(r"/v1/jobs$")) as submitted,
        page.expect_request(re.compile(r"/events$")) as watched,
    ):
        page.keyboard.press("Enter")
    assert submitted.value.headers["authorization"] == "Bearer a-key"
    assert watched.value.headers["authorization"] == "Bearer a-key"
    ends_as(page, "completed")
