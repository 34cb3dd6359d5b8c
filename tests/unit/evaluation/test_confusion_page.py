"""The page of the worst confusions."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

from tests.unit.evaluation.samples import clusters
from vitrine.evaluation.comparison import compare
from vitrine.evaluation.evaluation import Evaluation, EvaluationPlan, evaluate
from vitrine.evaluation.few_shot import ShotCounts
from vitrine.evaluation.page import render_confusion_page
from vitrine.evaluation.report import measure_rows
from vitrine.evaluation.sample import LabelledPicture, Sample

HOSTILE = "<script>alert(1)</script>\" onerror='x"
PLAN = EvaluationPlan(shots=ShotCounts(train=3, validation=4))


class Page(HTMLParser):
    """The tags of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def hostile(sample: Sample) -> Sample:
    """Give the first picture another class's label and a name with markup, and two others a label with markup."""
    first, *others = sample.pictures
    named = replace(first, key=HOSTILE, label="class1")
    others[-2:] = [replace(other, label=HOSTILE) for other in others[-2:]]
    return replace(sample, pictures=(named, *others))


def shown(picture: LabelledPicture) -> str | None:
    return None if picture.key == "class0-1" else f"http://h/?k={picture.key}&x=1"


def page_of(found: Evaluation, **more: object) -> str:
    rows = list(measure_rows(found, PLAN))
    return render_confusion_page(f"A {HOSTILE}", [("Measures", rows)], found, shown, **more)  # type: ignore[arg-type]


def test_a_mistake_stands_beside_its_nearest_pictures() -> None:
    page = Page(page_of(evaluate(hostile(clusters(2, 8)), PLAN)))
    assert len(page.all("article")) == 3
    assert len(page.all("figure")) == 3 * 5
    sources = [str(image["src"]) for image in page.all("img")]
    assert len(sources) == 15 - page.texts.count("not shown")
    assert all(image["alt"] for image in page.all("img"))
    assert any("taken for" in text for text in page.texts)


def test_nothing_of_a_catalog_becomes_markup() -> None:
    page = Page(page_of(evaluate(hostile(clusters(2, 8)), PLAN)))
    assert page.all("script") == []
    assert not any("onerror" in attributes for _, attributes in page.tags)
    assert any(HOSTILE in text for text in page.texts)
    policy = str(page.all("meta")[1]["content"])
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_where_two_models_differ_is_shown_both_ways() -> None:
    good = evaluate(clusters(3, 8), PLAN)
    bad = evaluate(clusters(3, 8, spread=30.0, seed=2), PLAN)
    text = page_of(good, against=(bad, compare(good, bad, 3)))
    page = Page(text)
    assert len(page.all("article")) == 3
    assert any("Only made is right" in heading for heading in page.texts)


def test_no_mistake_makes_a_short_page() -> None:
    page = Page(page_of(evaluate(clusters(2, 8), PLAN)))
    assert page.all("article") == []
    assert "Measures" in page.texts
