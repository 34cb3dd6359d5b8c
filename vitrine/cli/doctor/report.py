"""Output of findings, for people and programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.text import Text

from vitrine.cli.common.output import console, counted, error_console, escape_text, print_json
from vitrine.doctor.finding import Finding, Severity

_SIGNS = {
    Severity.GOOD: ("ok", "green"),
    Severity.NOTE: ("note", "cyan"),
    Severity.WARNING: ("warning", "yellow"),
    Severity.WRONG: ("wrong", "bold red"),
}


def print_findings(findings: Iterable[Finding], *, as_json: bool) -> list[Finding]:
    """Print each finding as it is made, or all as one object at the end; return them."""
    told: list[Finding] = []
    with error_console().status("checking") as status:
        for finding in findings:
            status.update(f"checking; {finding.about} done")
            told.append(finding)
            if not as_json:
                _print(finding)
    counts = Counter(finding.verdict for finding in told)
    if as_json:
        print_json(
            {
                "wrong": counts[Severity.WRONG],
                "warnings": counts[Severity.WARNING],
                "findings": [finding.as_json() for finding in told],
            }
        )
    else:
        _print_sum(counts)
    return told


def _print(finding: Finding) -> None:
    sign, style = _SIGNS[finding.verdict]
    line = Text.assemble((f"{sign:<8}", style), (f"{finding.about:<10}", "bold"))
    console().print(line.append_text(escape_text(finding.message)), soft_wrap=True)
    if finding.fix is not None:
        console().print(Text(" " * 18).append_text(escape_text(finding.fix)), soft_wrap=True)


def _print_sum(counts: Counter[Severity]) -> None:
    wrong, warnings = counts[Severity.WRONG], counts[Severity.WARNING]
    message = counted(wrong, "problem") if wrong else "No problems"
    more = f", {counted(warnings, 'warning')}" if warnings else ""
    console().print(escape_text(f"{message}{more}."))
