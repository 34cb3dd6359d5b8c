"""The page of near-identical pictures: one HTML file, each group side by side.

Ids and URLs come from a catalog and are escaped; the page has no scripts, and its policy forbids them. It shows
only the largest groups: the CSV has all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from vitrine.cli.common.output import counted
from vitrine.cli.dedupe.report import items_of, summary
from vitrine.evaluation.page import PictureUrl
from vitrine.evaluation.sample import LabelledPicture
from vitrine.similarity.dedupe import Duplicates, GroupMember

MAX_GROUPS = 200
MAX_MEMBERS = 12
"""Maximum pictures shown per group. Files become thumbnails embedded in the page: 20 KB and 30 ms each."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:"
_STYLE = """
:root { color-scheme: light dark; --line: #8884; }
body { font: 16px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; }
section { border-top: 1px solid var(--line); padding: .5rem 0 1rem; }
section > div { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; width: 10rem; }
img, .blank { aspect-ratio: 1; background: #8881; border-radius: .4rem; object-fit: contain; width: 100%; }
.blank { align-items: center; display: flex; justify-content: center; }
figcaption { font-size: .85rem; overflow-wrap: anywhere; }
"""


def render_page(collection: str, found: Duplicates, source: PictureUrl) -> Iterator[str]:
    """Yield the page's text in parts."""
    title = f"Near-identical pictures of {collection}"
    yield "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
    yield '<meta name=viewport content="width=device-width, initial-scale=1">\n'
    yield "<meta name=referrer content=no-referrer>\n"
    yield f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n"
    yield f"<main>\n<h1>{escape(title)}</h1>\n<p>{escape(summary(collection, found))}</p>\n"
    for number, group in enumerate(found.groups[:MAX_GROUPS], 1):
        yield from _section(number, group, source)
    if len(found.groups) > MAX_GROUPS:
        yield f"<p>{len(found.groups) - MAX_GROUPS:,} more groups are not shown.</p>\n"
    yield "</main>\n</html>\n"


def _section(number: int, group: tuple[GroupMember, ...], source: PictureUrl) -> Iterator[str]:
    heading = f"{counted(len(group), 'picture')} of {counted(items_of(group), 'item')}"
    yield f"<section>\n<h2>{number}. {heading}</h2>\n<div>\n"
    for member in group[:MAX_MEMBERS]:
        yield _figure(member, source)
    yield "</div>\n"
    if len(group) > MAX_MEMBERS:
        yield f"<p>{len(group) - MAX_MEMBERS:,} more are not shown.</p>\n"
    yield "</section>\n"


def _figure(member: GroupMember, source: PictureUrl) -> str:
    picture = member.picture
    item = escape(picture.item_id)
    address = source(
        LabelledPicture(picture.item_id, picture.item_id, picture.url, picture.item_id)
    )
    shown = (
        "<div class=blank>not shown</div>"
        if address is None
        else f'<img loading=lazy src="{escape(address)}" alt="{item}, picture {picture.index}">'
    )
    likeness = "the same bytes" if member.same_bytes else f"cosine {member.cosine:.4f}"
    return (
        f"<figure>{shown}<figcaption>{item} #{picture.index}<br>{likeness}</figcaption></figure>\n"
    )
