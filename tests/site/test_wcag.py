"""What the site claims of WCAG 2.2: each criterion of A and AA once, with a verdict, and evidence that exists."""

import csv
import re
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
with open(ROOT / "site" / "wcag.csv", encoding="utf-8", newline="") as file:
    CLAIMS = list(csv.DictReader(file))
CRITERIA = {  # levels A and AA of WCAG 2.2, which dropped 4.1.1
    "A": "1.1.1 1.2.1 1.2.2 1.2.3 1.3.1 1.3.2 1.3.3 1.4.1 1.4.2 2.1.1 2.1.2 2.1.4 2.2.1 2.2.2 2.3.1 2.4.1 2.4.2 2.4.3 2.4.4 "
    "2.5.1 2.5.2 2.5.3 2.5.4 3.1.1 3.2.1 3.2.2 3.2.6 3.3.1 3.3.2 3.3.7 4.1.2",
    "AA": "1.2.4 1.2.5 1.3.4 1.3.5 1.4.3 1.4.4 1.4.5 1.4.10 1.4.11 1.4.12 1.4.13 2.4.5 2.4.6 2.4.7 2.4.11 2.5.7 2.5.8 3.1.2 "
    "3.2.3 3.2.4 3.3.3 3.3.4 3.3.8 4.1.3",
}


def fault(claim):
    """What is wrong with a claim, in words; None if nothing is."""
    if claim["verdict"] not in ("supports", "partly", "not applicable", "not tested"):
        return f"no such verdict: {claim['verdict']}"
    tests, _, done = claim["evidence"].partition("by hand: ")
    for test in filter(None, tests.split("; ")):
        path, _, name = test.partition("::")
        text = (ROOT / path).read_text(encoding="utf-8") if name and (ROOT / path).is_file() else ""
        if not re.search(rf"^def {name}\(", text, re.MULTILINE):
            return f"no such test: {test}"
    return None if tests or len(done) > 10 else "no evidence"


def test_each_criterion_has_one_claim():
    assert sum(map(len, (text.split() for text in CRITERIA.values()))) == 55
    expected = {(number, level) for level, numbers in CRITERIA.items() for number in numbers.split()}
    assert sorted((claim["criterion"], claim["level"]) for claim in CLAIMS) == sorted(expected)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["criterion"])
def test_a_claim_has_evidence_that_exists(claim):
    assert fault(claim) is None
    assert claim["name"] and date.fromisoformat(claim["date"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verdict": "surely"}, "no such verdict"),
        ({"evidence": ""}, "no evidence"),
        ({"evidence": "by hand: "}, "no evidence"),
        ({"evidence": "everybody knows"}, "no such test"),
        ({"evidence": "tests/site/test_wcag.py::test_gone"}, "no such test"),
        ({"evidence": "tests/gone.py::test_gone"}, "no such test"),
    ],
)
def test_a_claim_without_evidence_is_reported(change, said):
    assert said in fault(CLAIMS[0] | change)
