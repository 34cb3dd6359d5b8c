"""The outcome of a catalog's rows: the counts, and the first problems."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from producer.limits import KEPT_PROBLEMS
from vitrine.core.broken_off import find_break, is_break
from vitrine.core.types import CatalogItem, RejectedRow


@dataclass(slots=True)
class CatalogReport:
    """Running counts. `rows == item_rows + rejected_rows`; an error of the file itself counts as a rejected row."""

    items: int = 0
    images: int = 0
    chunks: int = 0  #: Written to the ledger; 0 in a dry run.
    rejected_rows: int = 0
    problems: list[RejectedRow] = field(default_factory=list)
    """The first 1,000, and in any case the one that says where the file broke off."""
    problems_by_code: Counter[str] = field(default_factory=Counter)
    item_rows: int = 0  #: Rows that the items were made of: more than one each if rows are grouped.

    @property
    def rows(self) -> int:
        """Rows read from the catalog."""
        return self.item_rows + self.rejected_rows

    def count_item(self, item: CatalogItem) -> None:
        """Count one good row."""
        self.items += 1
        self.item_rows += item.rows
        self.images += len(item.images)

    def count_problem(self, problem: RejectedRow) -> None:
        """Count one rejected row."""
        self.rejected_rows += 1
        self.problems_by_code[problem.code] += 1
        if len(self.problems) < KEPT_PROBLEMS or is_break(problem):
            self.problems.append(problem)

    @property
    def broken_off(self) -> RejectedRow | None:
        """Where the file broke off; None if it was read to its end."""
        return find_break(self.problems[-1:])  # No row follows it.

    def first_problems(self, limit: int) -> list[RejectedRow]:
        """Return the first problems, and in any case the one that says where the file broke off."""
        first, rest = self.problems[:limit], self.problems[limit:]
        return [*first, *filter(is_break, rest[-1:])]
