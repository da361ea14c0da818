"""Every mistake is named: in the wrong results of the tables, and in answers as learners write them."""

import importlib
from pathlib import Path

import pytest
import torch

from classroom.assignments import probes
from classroom.assignments.tables import mistakes
from lib.checks.exercise import Implement, difference, plain
from tests.classroom.catalogue.catalogue import Answer, complaint, prepared

pytestmark = pytest.mark.classroom

SOURCE = Path(__file__).resolve().parents[2] / "notebooks" / "assignments" / "source"
ASSIGNMENTS = sorted(path.name[:3] for path in SOURCE.iterdir() if path.is_dir())
TABLES = {name: importlib.import_module(f"classroom.assignments.{name}").EXERCISES for name in ASSIGNMENTS}
ANSWERS = {
    name: importlib.import_module(f"tests.classroom.catalogue.answers{name[1:]}").ANSWERS for name in ASSIGNMENTS
}
EVERY = [(assignment, name) for assignment, table in TABLES.items() for name in table]
WRITTEN = [pair for pair in EVERY if isinstance(TABLES[pair[0]][pair[1]], Implement)]
PREDICTED = [pair for pair in EVERY if pair not in WRITTEN]
SEEDS = [None, "0", "1", "2", "3", "4"]  # None: the examples that students see


def result_of(makes, case):
    """What `collect` would report for an answer that makes this mistake."""
    try:
        value, error = plain(makes(*case)), ""
    except Exception as problem:
        value, error = None, f"{type(problem).__name__}: {problem}"
    return {"value": value, "error": error, "after": case, "calls": {}}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("assignment", "name"), WRITTEN)
def test_own_wrong_result_of_each_mistake_is_named_as_it(assignment, name, seed):
    exercise, cases = prepared(assignment, name, seed)
    for mistake in exercise.mistakes:
        assert exercise.judge(cases, [result_of(mistake.makes, case) for case in cases]).mistake == mistake.name


@pytest.mark.parametrize(("assignment", "name"), PREDICTED)
def test_own_wrong_value_of_each_mistake_is_named_as_it(assignment, name):
    for number in range(20):
        exercise = TABLES[assignment][name]
        mine = exercise.numbers_of(f"student {number}")
        right = {key: question.right(mine) for key, question in exercise.questions.items()}
        assert exercise.judge([(mine,)], [{"value": right, "error": ""}]).right
        for key, question in exercise.questions.items():
            for mistake in question.mistakes:
                predicted = {**right, key: mistake.makes(mine)}
                assert exercise.judge([(mine,)], [{"value": predicted, "error": ""}]).mistake == mistake.name


@pytest.mark.parametrize(("assignment", "name"), PREDICTED)
def test_no_student_is_right_by_chance(assignment, name):
    exercise = TABLES[assignment][name]
    for number in range(200):
        mine = exercise.numbers_of(f"student {number}")
        right = {key: question.right(mine) for key, question in exercise.questions.items()}
        for key, question in exercise.questions.items():
            for wrong in [*(mistake.makes(mine) for mistake in question.mistakes), *question.others(mine)]:
                assert not exercise.judge([(mine,)], [{"value": {**right, key: wrong}, "error": ""}]).right


@pytest.mark.parametrize(("assignment", "name"), EVERY)
def test_answers_get_the_verdict_that_they_deserve(assignment, name):
    answers = [answer for answer in ANSWERS[assignment] if answer.exercise == name]
    right = [answer for answer in answers if not answer.mistake]
    assert len(right) >= 3 and len(answers) > len(right)
    assert [text for answer in answers for seed in SEEDS if (text := complaint(answer, seed))] == []


def by_product(ids, table):
    return torch.eye(len(table))[ids] @ table


def by_look_up(ids, table):
    return table[ids]


@pytest.mark.parametrize(
    ("code", "mistake", "hidden"),
    [
        (by_product, "all zeros", False),
        (by_look_up, "", False),
        (by_look_up, "all zeros", False),
        (by_look_up, "sign", True),
    ],
)
def test_wrong_verdicts_are_reported(code, mistake, hidden):
    assert complaint(Answer("a01", "embed", by_product, "", False), None) == ""
    assert complaint(Answer("a01", "embed", code, mistake, hidden), None)


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_probes_are_those_of_the_exercises(assignment):
    for name, exercise in TABLES[assignment].items():
        assert exercise.probe is probes.PROBES[assignment].get(name, type(exercise).probe)
    assert {*probes.PROBES[assignment]} <= {*TABLES[assignment]}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("assignment", "name"), WRITTEN)
def test_probes_hold_no_solution(assignment, name):
    exercise, cases = prepared(assignment, name, "0")
    for function in [*vars(probes).values()]:
        if getattr(function, "__module__", "") == probes.__name__:
            assert any(difference(result_of(function, case)["value"], exercise.solution(*case)) for case in cases)


def test_hints_and_wrong_results_must_list_the_same_names():
    assert [m.name for m in mistakes("one: first\n  line\ntwo: second", {"one": [abs, min], "two": max})] == [
        "one",
        "one",
        "two",
    ]
    with pytest.raises(ValueError, match="the hints are for"):
        mistakes("one: first", {"one": abs, "two": max})
