"""The page of the worst confusions: one HTML file that shows each picture next to those it was mistaken for.

Labels, keys and URLs come from a catalog and are escaped. The page has no scripts, and its policy forbids them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape

from vitrine.evaluation.comparison import Comparison
from vitrine.evaluation.confusions import (
    ConfusedPair,
    Misclassification,
    VotingNeighbour,
    confused_pairs,
    worst_misclassifications,
)
from vitrine.evaluation.evaluation import Evaluation
from vitrine.evaluation.report import PAIRS, WORST
from vitrine.evaluation.sample import LabelledPicture

PictureUrl = Callable[[LabelledPicture], str | None]
"""The `src` of a picture's `img`: an http(s) or data: URL, or None if the picture cannot be shown."""

Rows = Iterable[tuple[str, str, str]]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:"
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --wrong: #c0392b; --right: #1e8449; }
@media (prefers-color-scheme: dark) { :root { --wrong: #ff8a7a; --right: #7ddba3; } }
body { font: 16px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
table { border-collapse: collapse; } td, th { padding: .25rem .9rem .25rem 0; text-align: left; }
tr { border-bottom: 1px solid var(--line); }
td:nth-child(2) { font-variant-numeric: tabular-nums; }
article { border-top: 1px solid var(--line); display: flex; flex-wrap: wrap; gap: 1rem; padding: 1rem 0; }
figure { margin: 0; width: 11rem; } figure.asked { width: 14rem; }
img, .blank { aspect-ratio: 1; background: #8881; border-radius: .4rem; object-fit: contain; width: 100%; }
.blank { align-items: center; display: flex; justify-content: center; }
figcaption { font-size: .85rem; overflow-wrap: anywhere; }
.wrong { color: var(--wrong); } .right { color: var(--right); }
"""


def render_confusion_page(
    title: str,
    tables: Sequence[tuple[str, Rows]],
    found: Evaluation,
    picture_source: PictureUrl,
    *,
    against: tuple[Evaluation, Comparison] | None = None,
) -> str:
    """Render the page: the tables by heading, then the confusions, then the differences between two models."""
    parts = [_table(heading, rows) for heading, rows in tables]
    parts.append(_confused(found.sample.space.model, confused_pairs(found, PAIRS)))
    parts.append(
        _worst(found.sample.space.model, worst_misclassifications(found, WORST), picture_source)
    )
    if against is not None:
        other, comparison = against
        mine, others = found.sample.space.model, other.sample.space.model
        parts.append(_confused(others, confused_pairs(other, PAIRS)))
        parts.append(
            _gallery(
                f"Only {mine} is right: as {others} sees it", comparison.only_first, picture_source
            )
        )
        parts.append(
            _gallery(f"Only {others} is right: as {mine} sees it", comparison.only_second, picture_source)
        )  # fmt: skip
    return "".join(_framed(title, parts))


def _framed(title: str, parts: Iterable[str]) -> Iterator[str]:
    yield "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
    yield '<meta name=viewport content="width=device-width, initial-scale=1">\n'
    yield "<meta name=referrer content=no-referrer>\n"
    yield f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n"
    yield f"<main>\n<h1>{escape(title)}</h1>\n"
    yield from parts
    yield "</main>\n</html>\n"


def _table(heading: str, rows: Rows) -> str:
    lines = [
        f"<tr><td>{escape(name)}<td>{escape(value)}<td>{escape(basis)}\n"
        for name, value, basis in rows
    ]
    return f"<h2>{escape(heading)}</h2>\n<table>\n{''.join(lines)}</table>\n" if lines else ""


def _confused(model: str, found: Sequence[ConfusedPair]) -> str:
    rows = [
        (f"{pair.label} taken for {pair.taken_for}", str(pair.count), f"of {pair.of}")
        for pair in found
    ]
    return _table(f"{model}: classes confused most often", rows)


def _worst(model: str, found: Sequence[Misclassification], source: PictureUrl) -> str:
    return _gallery(
        f"{model}: the most confident mistakes, with their nearest pictures", found, source
    )


def _gallery(heading: str, found: Sequence[Misclassification], source: PictureUrl) -> str:
    if not found:
        return ""
    cards = "".join(_card(confusion, source) for confusion in found)
    return f"<h2>{escape(heading)}</h2>\n{cards}"


def _card(confusion: Misclassification, source: PictureUrl) -> str:
    label = escape(confusion.picture.label)
    told = (
        f"<b>{label}</b> ({confusion.share_of_label:.0%} of the vote), "
        f"taken for <b class=wrong>{escape(confusion.taken_for)}</b> ({confusion.share:.0%})"
    )
    asked = _figure(confusion.picture, told, source, kind="asked")
    near = "".join(
        _witness(witness, confusion.picture.label, source) for witness in confusion.neighbours
    )
    return f"<article>\n{asked}{near}</article>\n"


def _witness(witness: VotingNeighbour, label: str, source: PictureUrl) -> str:
    kind = "right" if witness.picture.label == label else "wrong"
    told = f"<span class={kind}>{escape(witness.picture.label)}</span>, cosine {witness.cosine:.3f}"
    return _figure(witness.picture, told, source, kind="near")


def _figure(picture: LabelledPicture, told: str, source: PictureUrl, *, kind: str) -> str:
    key = escape(picture.key)
    address = source(picture)
    shown = (
        "<div class=blank>not shown</div>"
        if address is None
        else f'<img loading=lazy src="{escape(address)}" alt="{escape(picture.label)}, {key}">'
    )
    return f"<figure class={kind}>{shown}<figcaption>{told}<br>{key}</figcaption></figure>\n"
