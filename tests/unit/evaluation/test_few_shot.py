"""Which pictures are used for training and which for validation."""

from __future__ import annotations

import pytest

from tests.unit.evaluation.samples import picture
from vitrine.evaluation.few_shot import ShotCounts, split
from vitrine.evaluation.sample import LabelledPicture, SplitPart, parse_split_part, random_sample


def catalog(label: str, count: int, *, views: int = 1) -> list[LabelledPicture]:
    """Return pictures of one class, with `views` of each product."""
    return [picture(f"{label}{n}", label, group=f"{label}-p{n // views}") for n in range(count)]


def test_each_class_teaches_ten_and_asks_twenty() -> None:
    pictures = catalog("a", 40) + catalog("b", 31)
    parts = split(pictures, ShotCounts())
    assert (len(parts.train), len(parts.validation)) == (20, 40)
    assert not set(parts.train) & set(parts.validation)
    by_class = [pictures[row].label for row in parts.train]
    assert (by_class.count("a"), by_class.count("b")) == (10, 10)


def test_fewer_to_ask_will_do_and_fewer_to_learn_from_will_not() -> None:
    pictures = catalog("a", 12) + catalog("b", 10) + catalog("c", 9)
    parts = split(pictures, ShotCounts())
    assert parts.left_out == ("b", "c")
    assert (len(parts.train), len(parts.validation)) == (10, 2)


def test_the_lot_depends_on_the_seed_and_not_on_the_order_of_rows() -> None:
    pictures = catalog("a", 40)

    def learnt(rows: list[LabelledPicture], seed: int) -> set[str]:
        return {rows[row].key for row in split(rows, ShotCounts(seed=seed)).train}

    assert learnt(pictures, 0) == learnt(pictures[::-1], 0)
    assert learnt(pictures, 0) != learnt(pictures, 1)


def test_no_product_is_learnt_from_and_asked() -> None:
    pictures = catalog("a", 40, views=4)
    parts = split(pictures, ShotCounts())
    groups = [{pictures[row].group for row in rows} for rows in (parts.train, parts.validation)]
    assert not groups[0] & groups[1]
    assert (len(parts.train), len(parts.validation)) == (10, 20)


def test_a_catalog_that_names_parts_is_taken_at_its_word() -> None:
    pictures = [
        picture(f"t{n}", "a", part=SplitPart.TRAIN) for n in range(12)
    ] + [picture(f"v{n}", "a", part=SplitPart.VALIDATION) for n in range(3)]  # fmt: skip
    pictures.append(picture("x", "a"))
    parts = split(pictures, ShotCounts())
    assert {pictures[row].key[0] for row in parts.train} == {"t"}
    assert {pictures[row].key for row in parts.validation} == {"v0", "v1", "v2"}


@pytest.mark.parametrize(
    ("word", "part"),
    [("Train", SplitPart.TRAIN), (" valid", SplitPart.VALIDATION), ("test", SplitPart.VALIDATION), ("n0144", None)],
)  # fmt: skip
def test_parts_have_usual_names(word: str, part: SplitPart | None) -> None:
    assert parse_split_part(word) is part


def test_so_many_are_drawn_as_are_wanted_and_always_the_same() -> None:
    names = [f"p{n}" for n in range(1000)]
    some = random_sample(iter(names), 100, 5, lambda name: name)
    assert len(set(some)) == 100
    assert set(random_sample(reversed(names), 100, 5, lambda name: name)) == set(some)
    assert sum(int(name[1:]) for name in some) / 100 == pytest.approx(500, abs=100)
