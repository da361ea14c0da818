"""axe-core in a page that Playwright drives: WCAG 2.2 A and AA, order of headings, headers of tables."""

from pathlib import Path
from typing import NamedTuple

import pytest

AXE = Path(__file__).resolve().parents[1] / "build" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
ALL = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CONTRAST = ["color-contrast", "link-in-text-block"]  # all that another theme can change
BEYOND = ("heading-order", "empty-table-header")  # best practice, with `ALL`
RUN = """async ([rules, beyond, theirs]) => {
    const enabled = Object.fromEntries(beyond.map((rule) => [rule, { enabled: true }]));
    const { violations } = await axe.run({ runOnly: rules, rules: enabled, resultTypes: ['violations'], elementRef: true });
    const found = violations.flatMap(({ id, nodes }) => nodes.map(({ element, target, failureSummary }) => ({
        known: theirs.findIndex(([rule, selector]) => rule === id && element.closest(selector)),
        text: `${id}: ${target.flat().join(' ')}: ${element.outerHTML.slice(0, 120)}: ${failureSummary}`,
    })));
    return [found.filter(({ known }) => known < 0).map(({ text }) => text), found.map(({ known }) => known)];
}"""


class Theirs(NamedTuple):
    """A violation in what others write."""

    rule: str
    selector: str  # of the element, or of one around it
    reason: str


def violations(page, rules: list[str] = ALL, theirs: tuple[Theirs, ...] = ()) -> tuple[list[str], set[Theirs]]:
    """What axe-core finds in a page: our violations in words, and which of `theirs` occur."""
    if not AXE.is_file():
        pytest.fail("axe-core is not installed. Run: npm install --prefix build/npm axe-core@4.14.1")
    if page.evaluate("() => typeof axe === 'undefined'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    beyond = BEYOND if rules == ALL else ()
    ours, known = page.evaluate(RUN, [rules, beyond, [one[:2] for one in theirs]])
    return ours, {theirs[i] for i in known if i >= 0}
