"""Findings as people and programs see them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.text import Text

from vitrine.cli.common.output import console, counted, errors, plain, print_json
from vitrine.doctor.finding import Finding, Verdict

_SIGNS = {
    Verdict.GOOD: ("ok", "green"),
    Verdict.NOTE: ("note", "cyan"),
    Verdict.WARNING: ("warning", "yellow"),
    Verdict.WRONG: ("wrong", "bold red"),
}


def tell(findings: Iterable[Finding], *, as_json: bool) -> list[Finding]:
    """Tell each as it is found, or all as one object in the end; returns them."""
    told: list[Finding] = []
    with errors().status("looking") as status:
        for finding in findings:
            status.update(f"looking; {finding.about} done")
            told.append(finding)
            if not as_json:
                _print(finding)
    counts = Counter(finding.verdict for finding in told)
    if as_json:
        print_json(
            {
                "wrong": counts[Verdict.WRONG],
                "warnings": counts[Verdict.WARNING],
                "findings": [finding.as_json() for finding in told],
            }
        )
    else:
        _print_sum(counts)
    return told


def _print(finding: Finding) -> None:
    sign, style = _SIGNS[finding.verdict]
    line = Text.assemble((f"{sign:<8}", style), (f"{finding.about:<10}", "bold"))
    console().print(line.append_text(plain(finding.said)), soft_wrap=True)
    if finding.mend is not None:
        console().print(Text(" " * 18).append_text(plain(finding.mend)), soft_wrap=True)


def _print_sum(counts: Counter[Verdict]) -> None:
    wrong, warnings = counts[Verdict.WRONG], counts[Verdict.WARNING]
    said = f"{counted(wrong, 'thing')} wrong" if wrong else "Nothing is wrong"
    more = f", {counted(warnings, 'warning')}" if warnings else ""
    console().print(plain(f"{said}{more}."))
