"""Texts that are not UTF-8: which encoding they are taken for, and when they are not taken for another one at all."""

# ruff: noqa: RUF001 - letters that look like others are the subject

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producer import CatalogOptions, from_stream, open_catalog
from producer.formats import Format
from producer.text.detection import LOOKED_AT_BYTES, detect_encoding, looks_like
from producer.text.encodings import canonical_encoding, mark_of, utf_16_without_mark
from vitrine.core.errors import BadInput
from vitrine.core.types import CatalogItem, RejectedRow

Outcomes = list[CatalogItem | RejectedRow]

TEXTS = (
    ("cp1252", "Küche für kleine Räume; Größe 38"),
    ("cp1252", "Chemise légère à manches longues – taille 38, 19 €"),
    ("cp1252", "Pantalón de niño, camisa de señora"),
    ("cp1252", "Calças e blusões de lã para crianças"),
    ("cp1252", "Blå kjole i størrelse 38, rød frakke"),
    ("cp1252", "Men’s “classic” coat – 100% wool"),
    ("cp1252", "Café"),
    ("iso8859-15", "œuvre à 19 €, cœur léger"),
    ("mac-roman", "Größe: klein; Löffel für Gäste, Jäger und Köche"),
    ("mac-roman", "Crème brûlée à la française, pâté"),
    ("cp1250", "Żółta koszula męska, spódnica dziecięca i sukienka wełniana"),
    ("cp1250", "Příliš žluťoučký kůň, dámské šaty, pánská košile"),
    ("cp1250", "Kék cipő, nagyszerű női táska, gyűrű"),
    ("cp1251", "Красная рубашка мужская"),
    ("koi8-r", "Красная рубашка мужская"),
    ("cp1253", "κόκκινο πουκάμισο, μαύρο παντελόνι"),
    ("cp1254", "kırmızı gömlek, büyük şapka, ağır çanta"),
    ("cp1257", "marškiniai, žalias švarkas, ąžuolinė kėdė"),
    ("cp932", "赤い靴とカメラ用のバッグ"),
    ("euc_jp", "赤い靴とカメラ用のバッグ"),
    ("gb18030", "红色衬衫，男士牛仔裤，女士连衣裙"),
    ("big5", "紅色襯衫，男士牛仔褲，女士連身裙"),
    ("cp949", "빨간 셔츠, 남성 청바지, 여성 원피스"),
    ("utf-16-le", "Größe"),
    ("utf-16-be", "Größe"),
)


def csv(*titles: str) -> str:
    rows = "".join(
        f"{number};{title};http://h/{number}.jpg\n" for number, title in enumerate(titles)
    )
    return f"id;title;image\n{rows}"


def read(data: bytes, name: str = "shop.csv", **options: Any) -> tuple[Outcomes, list[str]]:
    source = from_stream(io.BytesIO(data), name)
    with open_catalog(source, CatalogOptions(**options)) as catalog:
        return list(catalog), catalog.notes()


def titles(outcomes: Outcomes) -> list[object]:
    return [each.payload["title"] for each in outcomes if isinstance(each, CatalogItem)]


@pytest.mark.parametrize(("encoding", "text"), TEXTS)
def test_an_encoding_is_known_by_the_letters_of_its_languages(encoding: str, text: str) -> None:
    text = text.replace(";", ",")
    outcomes, notes = read(csv(text, "plain").encode(encoding))
    assert titles(outcomes) == [text, "plain"]
    assert f"(encoding {detect_encoding(csv(text).encode(encoding))}, detected)" in notes[0]


@pytest.mark.parametrize(("encoding", "text"), TEXTS)
def test_an_encoding_that_is_named_is_obeyed(encoding: str, text: str) -> None:
    text = text.replace(";", ",")
    outcomes, notes = read(csv(text, "plain").encode(encoding), encoding=encoding)
    assert titles(outcomes) == [text, "plain"]
    assert notes == []


@pytest.mark.parametrize(
    "broken",
    [b"\xff", b"\xc3", b"gr\xc3", b"\xc0\xaf", b"\xe2\x80", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xfe\xff", b"Gr\xc3n"],
)  # fmt: skip
@pytest.mark.parametrize("others", [(), ("größe",)], ids=["ASCII", "with letters"])
def test_utf_8_with_a_broken_letter_stays_utf_8(broken: bytes, others: tuple[str, ...]) -> None:
    data = csv(*others, "?").encode().replace(b"?", broken)
    assert detect_encoding(data) is None
    outcomes, notes = read(data)
    assert notes == []
    assert titles(outcomes) == list(others)
    last = outcomes[-1]
    assert isinstance(last, RejectedRow)
    assert last.code == "bad_encoding"


def test_a_few_letters_of_utf_8_outweigh_one_of_another_encoding() -> None:
    outcomes, _ = read(csv("größe", "?").encode().replace(b"?", b"caf\xe9"))
    last = outcomes[-1]
    assert isinstance(last, RejectedRow)
    assert last.message.endswith(
        "it looks like Windows-1252 (encoding cp1252); name the encoding, or save the file as UTF-8"
    )


def test_a_byte_that_is_found_late_costs_its_row_and_the_hint_names_the_encoding() -> None:
    plain = csv(*("x" * 100 for _ in range(LOOKED_AT_BYTES // 100)))
    data = plain.encode() + "a;Küche;http://h/a\nb;Café;http://h/b\nc;ok;http://h/c\n".encode(
        "cp1252"
    )
    outcomes, notes = read(data)
    assert notes == []
    bad = [each for each in outcomes if isinstance(each, RejectedRow)]
    assert [each.code for each in bad] == ["bad_encoding", "bad_encoding"]
    assert all("looks like Windows-1252 (encoding cp1252)" in each.message for each in bad)
    assert not any("--" in each.message for each in bad)
    assert isinstance(outcomes[-1], CatalogItem)


def test_a_byte_that_a_named_encoding_does_not_have_costs_its_row() -> None:
    outcomes, _ = read(csv("a", "?", "b").encode().replace(b"?", b"\x81"), encoding="cp1252")
    assert titles(outcomes) == ["a", "b"]
    bad = outcomes[1]
    assert isinstance(bad, RejectedRow)
    assert "expected Windows-1252, found the byte 0x81" in bad.message
    outcomes, _ = read(csv("赤", "?", "靴").encode("cp932").replace(b"?", b"\x85\x40"), encoding="cp932")  # fmt: skip
    assert titles(outcomes) == ["赤", "靴"]


def test_a_mark_against_the_named_encoding_is_reported() -> None:
    data = csv("größe").encode("utf-8-sig")
    assert read(data, encoding="utf-8")[1] == []
    with pytest.raises(BadInput, match="no column named like an id"):
        read(data, encoding="cp1252")
    with open_catalog(
        from_stream(io.BytesIO(data), "shop.csv"), CatalogOptions(encoding="cp1252", id="title")
    ) as catalog:
        assert "has the mark of UTF-8 but was read as Windows-1252" in catalog.notes()[0]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_mark_is_followed_without_a_word(encoding: str) -> None:
    assert read(csv("größe").encode(encoding)) == (
        [CatalogItem("0", ("http://h/0.jpg",), {"title": "größe"})],
        [],
    )


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_s_variants_take_a_mark_too(encoding: str) -> None:
    data = ("\ufeff" + csv("größe")).encode(encoding)
    assert titles(read(data, encoding=encoding)[0]) == ["größe"]


def test_formats_are_detected_in_the_named_encoding() -> None:
    line = '{"id": "1", "image": "http://h/1", "title": "größe"}\n'
    for encoding in ("utf-16-le", "cp1252", "cp037"):
        source = from_stream(io.BytesIO(line.encode(encoding)), "stdin")
        with open_catalog(source, CatalogOptions(encoding=encoding)) as catalog:
            assert catalog.format is Format.JSONL
            assert titles(list(catalog)) == ["größe"]
    source = from_stream(io.BytesIO("http://h/ü.jpg\n".encode("cp1252")), "stdin")
    with open_catalog(source) as catalog:
        assert catalog.format is Format.URLS
        assert "Windows-1252" in catalog.notes()[0]


@pytest.mark.parametrize(
    "name",
    ["rot13", "hex", "base64", "zlib", "bz2", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf-7", "nonsense", "", "x" * 5000, "a\0b", "../x"],
)  # fmt: skip
def test_what_is_not_an_encoding_of_texts_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a text encoding"):
        canonical_encoding(name)
    with pytest.raises(BadInput, match="is not a text encoding"):
        read(b"id,image\n1,http://h/a\n", encoding=name)


@pytest.mark.parametrize(
    ("name", "canonical"),
    [("Windows-1252", "cp1252"), ("latin1", "iso8859-1"), ("UTF8", "utf-8"), (" sjis ", "shift_jis"), ("gbk", "gbk"), ("iso2022_jp", "iso2022_jp")],
)  # fmt: skip
def test_an_encoding_has_many_names(name: str, canonical: str) -> None:
    assert canonical_encoding(name) == canonical


def test_marks_and_nuls() -> None:
    assert mark_of(b"\xff\xfe\0\0rest") == ("utf-32", b"\xff\xfe\0\0")
    assert mark_of(b"\xff\xfer\0") == ("utf-16", b"\xff\xfe")
    assert mark_of(b"id") is None
    assert utf_16_without_mark(b"") is None
    assert utf_16_without_mark(b"i\0d\0") == "utf-16-le"
    assert utf_16_without_mark(b"\0i\0d") == "utf-16-be"
    assert utf_16_without_mark(bytes(64)) is None


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_taken_for_something_or_nothing(data: bytes) -> None:
    found = detect_encoding(data)
    if found is not None:
        data.decode(found, "replace")
    looks_like(data)
    try:
        read(b"id,image,title\n1,http://h/a," + data + b"\n2,http://h/b,x\n")
    except BadInput as error:
        assert str(error).startswith("shop.csv")  # noqa: PT017


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]))
def test_unicode_is_never_taken_for_another_encoding(text: str, encoding: str) -> None:
    data = csv(text.encode("utf-8", "ignore").decode()).encode(encoding)
    assert detect_encoding(data) is None or mark_of(data) is not None
