"""XML feeds: the items they hold, whichever platform wrote them."""

from __future__ import annotations

import gzip
import io
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producer import CatalogOptions, Format, from_path, from_stream, open_catalog
from producer.preview import preview
from tests.conftest import REPOSITORY
from vitrine.core.errors import BadInput
from vitrine.core.hints import CLI_WORDING
from vitrine.core.types import CatalogItem, RejectedRow

FEEDS = REPOSITORY / "tests/cases/feeds"
LOCAL = "http://127.0.0.1:18499"


def read(
    data: bytes | str, name: str = "feed.xml", options: CatalogOptions | None = None
) -> list[CatalogItem | RejectedRow]:
    raw = data if isinstance(data, bytes) else data.encode()
    with open_catalog(from_stream(io.BytesIO(raw), name), options) as catalog:
        return list(catalog)


def items(
    data: bytes | str, name: str = "feed.xml", options: CatalogOptions | None = None
) -> list[CatalogItem]:
    outcomes = read(data, name, options)
    assert [str(one) for one in outcomes if isinstance(one, RejectedRow)] == []
    return [one for one in outcomes if isinstance(one, CatalogItem)]


def notes(data: str, options: CatalogOptions | None = None) -> list[str]:
    with open_catalog(from_stream(io.BytesIO(data.encode()), "feed.xml"), options) as catalog:
        list(catalog)
        return catalog.notes()


def product(number: int, inner: str = "") -> str:
    return f"<product><id>{number}</id><image>https://h/{number}.jpg</image>{inner}</product>"


def products(*inner: str) -> str:
    return f"<products>{''.join(product(number, text) for number, text in enumerate(inner))}</products>"


# Platforms ------------------------------------------------------------------------------------------


def test_a_feed_for_google() -> None:
    with open_catalog(from_path(FEEDS / "c01-google-rss.xml")) as catalog:
        first, second = catalog
        assert catalog.format is Format.XML
        assert catalog.preset == "google"
    assert isinstance(first, CatalogItem)
    assert isinstance(second, CatalogItem)
    assert (first.id, first.images) == (
        "P-1",
        (f"{LOCAL}/s/1.jpg", f"{LOCAL}/s/2.jpg", f"{LOCAL}/s/3.jpg?w=1&h=2"),
    )
    assert (second.id, second.images) == ("P-2", (f"{LOCAL}/s/4.jpg?w=1&h=2",))
    assert first.payload["item_group_id"] == "G1"
    assert (first.payload["title"], second.payload["title"]) == ("Blue coat", "Red coat & belt")


def test_atom_with_links() -> None:
    feed = """<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">
 <title>Shop</title><link rel="self" href="https://shop/feed"/>
 <entry><id>a</id><title type="text">Coat</title><link rel="alternate" href="https://shop/a"/>
  <link rel="enclosure" type="image/jpeg" href="https://h/a1.jpg"/>
  <link rel="enclosure" type="image/jpeg" href="https://h/a2.jpg"/><g:price>9.50</g:price>
  <summary type="xhtml"><div>Warm <b>and</b> dry</div></summary></entry>
 <entry><id>b</id><title>Belt</title><link href="https://shop/b"/><g:price>12</g:price>
  <link rel="enclosure" type="image/jpeg" href="https://h/b.jpg"/></entry>
</feed>"""
    first, second = items(feed, options=CatalogOptions(images=("enclosure.url",)))
    assert first.images == ("https://h/a1.jpg", "https://h/a2.jpg")
    assert first.payload["link"] == "https://shop/a"
    assert first.payload["price"] == 9.5
    assert first.payload["summary.div"] == "Warm and dry"
    assert (second.images, second.payload["price"]) == (("https://h/b.jpg",), 12.0)


def test_a_heureka_feed() -> None:
    feed = """<?xml version="1.0" encoding="utf-8"?>
<SHOP><SHOPITEM><ITEM_ID>AB1</ITEM_ID><PRODUCTNAME>Bota</PRODUCTNAME><IMGURL>https://h/1.jpg</IMGURL>
<IMGURL_ALTERNATIVE>https://h/2.jpg</IMGURL_ALTERNATIVE><IMGURL_ALTERNATIVE>https://h/3.jpg</IMGURL_ALTERNATIVE>
<PRICE_VAT>5290</PRICE_VAT><PARAM><PARAM_NAME>Barva</PARAM_NAME><VAL>bílá</VAL></PARAM>
<PARAM><PARAM_NAME>Velikost</PARAM_NAME><VAL>42</VAL></PARAM></SHOPITEM>
<SHOPITEM><ITEM_ID>AB2</ITEM_ID><IMGURL>https://h/4.jpg</IMGURL><PRICE_VAT>90</PRICE_VAT>
<PARAM><PARAM_NAME>Barva</PARAM_NAME><VAL>černá</VAL></PARAM></SHOPITEM></SHOP>"""
    options = CatalogOptions(images=("IMGURL", "IMGURL_ALTERNATIVE"))
    first, second = items(feed, options=options)
    assert first.images == ("https://h/1.jpg", "https://h/2.jpg", "https://h/3.jpg")
    assert (first.id, first.payload["PRICE_VAT"]) == ("AB1", 5290)
    assert first.payload["PARAM"] == (
        '[{"PARAM_NAME":"Barva","VAL":"bílá"},{"PARAM_NAME":"Velikost","VAL":"42"}]'
    )
    assert second.payload["PARAM"] == '[{"PARAM_NAME":"Barva","VAL":"černá"}]'


def test_a_shop_s_own_feed_with_plurals_and_attributes() -> None:
    feed = """<catalog><product id="7"><name><![CDATA[ Coat <b>warm</b> ]]></name><price currency="EUR">19.99</price>
<images><image>https://h/1.jpg</image><image>https://h/2.jpg</image></images><sizes><size>S</size><size>M</size></sizes>
<delivery><cost>3</cost><days>2</days></delivery></product>
<product id="8"><name>Belt</name><price currency="EUR">5</price><images><image>https://h/3.jpg</image></images></product>
</catalog>"""
    first, second = items(feed)
    assert (first.id, first.images) == ("7", ("https://h/1.jpg", "https://h/2.jpg"))
    assert first.payload == {
        "name": "Coat <b>warm</b>", "price": 19.99, "price.currency": "EUR", "sizes": ["S", "M"],
        "delivery.cost": 3, "delivery.days": 2,
    }  # fmt: skip
    assert (second.id, second.images) == ("8", ("https://h/3.jpg",))
    assert second.payload == {"name": "Belt", "price": 5.0, "price.currency": "EUR"}


def test_yandex_offers_below_categories_and_currencies() -> None:
    categories = "".join(f'<category id="{n}" parentId="1">C{n}</category>' for n in range(300))
    offers = "".join(
        f'<offer id="{n}" available="true"><picture>https://h/{n}.jpg</picture>'
        f'<param name="Color">red</param><param name="Size">{n}</param></offer>'
        for n in range(3)
    )
    feed = (
        '<?xml version="1.0"?><!DOCTYPE yml_catalog SYSTEM "shops.dtd"><yml_catalog date="2026-01-01"><shop>'
        f'<currencies><currency id="EUR" rate="1"/><currency id="USD" rate="2"/></currencies>'
        f"<categories>{categories}</categories><offers>{offers}</offers></shop></yml_catalog>"
    )
    first, *_ = found = items(feed)
    assert len(found) == 3
    assert first.payload == {
        "available": True,
        "param": ["red", "0"],
        "param.name": ["Color", "Size"],
    }


def test_objects_with_pictures_are_read_one_or_many() -> None:
    feed = products(
        "<photos><photo><url>https://h/a.jpg</url><alt>x</alt></photo></photos>",
        "<photos><photo><url>https://h/b.jpg</url></photo><photo><url>https://h/c.jpg</url></photo></photos>",
    )
    first, second = items(feed, options=CatalogOptions(images=("photos",)))
    assert first.images == ("https://h/a.jpg",)
    assert second.images == ("https://h/b.jpg", "https://h/c.jpg")


def test_pictures_in_attributes() -> None:
    feed = """<rss><channel><item><guid>1</guid><enclosure url="https://h/1.jpg" type="image/jpeg"/>
<media:content url="https://h/2.jpg"/><media:content url="https://h/3.jpg"/></item>
<item><guid>2</guid><enclosure url="https://h/4.jpg" type="image/jpeg"/></item></channel></rss>"""
    options = CatalogOptions(id="guid", images=("enclosure.url", "content.url"))
    first, second = items(feed, options=options)
    assert first.images == ("https://h/1.jpg", "https://h/2.jpg", "https://h/3.jpg")
    assert second.images == ("https://h/4.jpg",)


def test_rows_of_attributes_only() -> None:
    first, second = items(
        '<t><r id="1" image="https://h/1"/><r id="2" image="https://h/2" n="3"/></t>'
    )
    assert (first.id, second.images, second.payload) == ("1", ("https://h/2",), {"n": 3})


# Rows -----------------------------------------------------------------------------------------------


def test_the_rows_are_the_items_and_not_what_repeats_in_them() -> None:
    feed = products("<items><item><n>1</n></item><item><n>2</n></item></items>", "", "")
    assert notes(feed) == ["Each products/product is read as a row."]


def test_the_rows_are_the_products_in_categories() -> None:
    some = "".join(
        f"<category><name>c</name>{product(n)}{product(n + 10)}</category>" for n in range(3)
    )
    assert len(items(f"<shop>{some}</shop>")) == 6


def test_one_item_alone_is_a_row() -> None:
    [only] = items(
        f"<rss><channel><title>t</title><item>{product(1)[9:-10]}</item></channel></rss>"
    )
    assert only.id == "1"


@pytest.mark.parametrize("path", ["product", "products/product", "/products/product", "x:product"])
def test_the_row_can_be_named(path: str) -> None:
    assert len(items(products("", ""), options=CatalogOptions(row=path))) == 2


def test_a_named_row_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(
        BadInput, match=r"no element 'channel/item'; it has 'products/product'"
    ) as error:
        read(products("", ""), options=CatalogOptions(row="channel/item"))
    assert "--row PATH" in (error.value.render_hint(CLI_WORDING) or "")


@pytest.mark.parametrize("row", ["", "/", "//"])
def test_a_row_without_a_name_is_refused(row: str) -> None:
    with pytest.raises(BadInput, match="does not name an element"):
        read(products("", ""), options=CatalogOptions(row=row))


def test_a_document_without_rows_is_refused_with_what_it_has() -> None:
    with pytest.raises(BadInput, match=r"no element that repeats .* it has 'a', 'a/b'"):
        read("<a><b/></a>")


def test_rows_that_begin_late_are_found() -> None:
    late = f"<shop><info>{'x' * 2_000_000}</info>{products('', '')}</shop>"
    assert len(items(late)) == 2


# Names and values -----------------------------------------------------------------------------------


def test_a_name_with_and_without_prefix_is_two_fields_in_every_row() -> None:
    feed = products("<g:title>a</g:title>", "<title>b</title><g:title>c</g:title>")
    first, second = items(feed)
    assert first.payload == {"g:title": "a"}
    assert second.payload == {"title": "b", "g:title": "c"}


def test_a_doubled_name_after_the_first_rows_is_noted() -> None:
    feed = products(*["<g:title>a</g:title>"] * 1200, "<title>b</title><g:title>c</g:title>")
    assert items(feed)[-1].payload == {"title": "b", "g:title": "c"}
    assert notes(feed)[1] == "From line 1 on, g:title is not the same field as title."


def test_an_attribute_of_the_row_gives_way_to_its_element() -> None:
    feed = '<r><product id="x"><id>1</id><image>https://h/1</image></product><product id="y"/></r>'
    first, _ = read(feed)
    assert isinstance(first, CatalogItem)
    assert (first.id, first.payload) == ("1", {"product.id": "x"})


def test_values_are_typed_by_column_and_lists_stay_lists() -> None:
    feed = products(
        "<price>3</price><code>007</code><n>1</n><n>2</n><sold>true</sold>",
        "<price>2.5</price><code>12</code><n>3</n><sold>false</sold>",
    )
    first, second = items(feed)
    assert first.payload == {"price": 3.0, "code": "007", "n": [1, 2], "sold": True}
    assert second.payload == {"price": 2.5, "code": "12", "n": 3, "sold": False}


def test_a_field_that_the_first_rows_lack_is_kept() -> None:
    feed = products(*[""] * 1200, "<late>5</late>")
    assert items(feed)[-1].payload == {"late": 5}


def test_blank_elements_say_nothing() -> None:
    [first, _] = items(products("<a/><b> </b><t/><t>x</t><t/>", ""))
    assert first.payload == {"t": "x"}


def test_text_beside_elements_is_kept_in_its_order() -> None:
    [first, _] = items(products("<text>a <b>c</b>\n d<br/></text>", ""))
    assert first.payload == {"text": "a c d"}


NAMES = st.sampled_from(["title", "price", "colour", "brand", "größe"])
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20).filter(
    lambda text: text.strip() == text != "" and "\ufffe" not in text and "\uffff" not in text
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.dictionaries(NAMES, st.lists(TEXTS, min_size=1, max_size=3)), min_size=2, max_size=6
    ),
    prefix=st.sampled_from(["", "g:"]),
    cdata=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
)
def test_what_is_written_is_read_back(
    rows: list[dict[str, list[str]]], prefix: str, cdata: bool, encoding: str
) -> None:
    def element(name: str, text: str) -> str:
        inner = f"<![CDATA[{text}]]>" if cdata and "]]>" not in text else escape(text)
        return f"<{prefix}{name}>{inner}</{prefix}{name}>"

    feed = "".join(
        f"<item key={quoteattr(str(number))}><image>https://h/{number}</image>\n"
        + "".join(element(name, text) for name, texts in row.items() for text in texts)
        + "</item>"
        for number, row in enumerate(rows)
    )
    raw = f'<?xml version="1.0"?>\n<rss><channel>{feed}</channel></rss>'.encode(encoding)
    source = from_stream(io.BytesIO(raw), "feed")
    from producer.readers import open_reader

    _, reader = open_reader(source)
    found = [row.values for row in reader.rows() if not isinstance(row, RejectedRow)]
    expected: list[dict[str, str | list[str]]] = []
    for number, row in enumerate(rows):
        fields = {name: texts if len(texts) > 1 else texts[0] for name, texts in row.items()}
        expected.append({"key": str(number), "image": f"https://h/{number}", **fields})
    assert found == expected


# Around it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["feed", "feed.xml", "feed.rss", "feed.atom", "feed.txt", "a.xml.gz"]
)
def test_a_feed_is_recognised_by_name_or_content(name: str) -> None:
    raw = products("", "").encode()
    assert len(items(gzip.compress(raw) if name.endswith("gz") else raw, name)) == 2


@pytest.mark.parametrize(
    "page",
    [
        "<!DOCTYPE html><html></html>",
        "\ufeff \n<HTML lang=de>",
        '<?xml version="1.0"?><!-- x --><!DOCTYPE html PUBLIC "a" "b"><html>',
    ],
)
@pytest.mark.parametrize("name", ["feed.xml", "feed.csv", "feed"])
def test_a_web_page_is_refused_by_name(page: str, name: str) -> None:
    with pytest.raises(BadInput, match=f"{name} is a web page, not a catalog"):
        read(page, name)


def test_xml_under_another_suffix_is_refused() -> None:
    with pytest.raises(BadInput, match=r"feed\.csv is XML, but was to be read as csv"):
        read('<?xml version="1.0"?>' + products("", ""), "feed.csv")


def test_a_preview_of_the_start_of_a_feed() -> None:
    whole = products(*["<price>2</price>"] * 50).encode()
    source = from_stream(io.BytesIO(whole[:1500]), "feed.xml")
    found = preview(source, CatalogOptions(), cut=True)
    assert {column.name: column.kind for column in found.columns} == {
        "id": None,
        "image": None,
        "price": "int",
    }
    assert found.report.problems == []
    assert found.report.items > 10


def test_lines_are_those_of_the_start_tags_however_long_the_file_is() -> None:
    bad = "<product><image>https://h/1</image></product>\n"
    feed = f"<products>\n{product(1)}\n" + "\n" * 70_000 + bad + "\r\n" * 10 + bad + "</products>"
    rejected = [one.line for one in read(feed) if isinstance(one, RejectedRow)]
    assert rejected == [70_003, 70_014]
