"""The two laws of every check: each wrong answer is told its mistake by name, and each right one is accepted."""

from collections.abc import Callable

import pytest

from lib.checks import Verdict

Catalogue = dict[str, list]  # from a mistake's name to the answers that make it


def cases(catalogue: Catalogue) -> list:
    """A case (mistake, answer) for every wrong answer."""
    return [
        pytest.param(mistake, answer, id=f"{mistake}-{number}")
        for mistake, answers in catalogue.items()
        for number, answer in enumerate(answers)
    ]


def assert_names(verdict: Verdict, mistake: str) -> None:
    """The verdict is that of this mistake, says something to the reader, and stops a notebook that requires it."""
    assert not verdict.right and verdict.mistake == mistake and verdict.message, f"wanted {mistake!r}: {verdict!r}"
    with pytest.raises(AssertionError):
        verdict.require()


def assert_accepts(verdict: Verdict) -> None:
    """The verdict is that the answer is right, and lets a notebook go on."""
    assert verdict.right and verdict.mistake == "" and verdict.message, f"{verdict.mistake!r}: {verdict!r}"
    verdict.require()


def names_the_mistake(check: Callable[..., Verdict], catalogue: Catalogue) -> Callable:
    """The test that the check names the mistake of every answer of the catalogue."""

    @pytest.mark.parametrize(("mistake", "answer"), cases(catalogue))
    def law(mistake, answer):
        assert_names(check(answer), mistake)

    return law


def accepts(check: Callable[..., Verdict], answers: list) -> Callable:
    """The test that the check accepts every one of the answers."""

    @pytest.mark.parametrize("answer", answers)
    def law(answer):
        assert_accepts(check(answer))

    return law
