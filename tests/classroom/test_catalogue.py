"""Every mistake is named: in the wrong results of the tables, and in answers as learners write them."""

import importlib
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from classroom.assignments import probes
from classroom.assignments.tables import mistakes
from lib.checks.exercise import Implement, collect, difference, plain
from tests.classroom.catalogue.catalogue import Answer, complaint, prepared

pytestmark = pytest.mark.classroom

SOURCE = Path(__file__).resolve().parents[2] / "notebooks" / "assignments" / "source"
ASSIGNMENTS = sorted(path.name[:3] for path in SOURCE.iterdir() if path.is_dir())
TABLES = {name: importlib.import_module(f"classroom.assignments.{name}").EXERCISES for name in ASSIGNMENTS}
ANSWERS_OF = {name: importlib.import_module(f"tests.classroom.catalogue.answers{name[1:]}") for name in ASSIGNMENTS}
ANSWERS = {name: module.ANSWERS for name, module in ANSWERS_OF.items()}
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


def names_of(code) -> set[str]:
    """The names that a piece of code looks up, those of the functions in it included."""
    return set(code.co_names).union(*(names_of(part) for part in code.co_consts if hasattr(part, "co_names")))


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_answers_need_nothing_that_a_students_notebook_lacks(assignment):
    """In this test's process they have their module's imports; in the sandbox only what the notebook defines."""
    (path,) = SOURCE.glob(f"{assignment}*/*.ipynb")
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    notebook = set().union(*(names_of(compile("".join(cell["source"]), path.name, "exec")) for cell in cells))
    for answer in ANSWERS[assignment]:
        needed = names_of(compile(answer.cell(), answer.code.__name__, "exec")) & set(vars(ANSWERS_OF[assignment]))
        assert needed <= notebook | {answer.code.__name__}, answer.code.__name__


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
    for number in range(50):
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


# What the texts promise, and what breaks it: an answer of the catalogue, or a mistake of the exercise's table.
PROMISES = {
    ("a01", "windows", "the windows of all names in their order"): "windows_of_different_names",
    ("a01", "embed", "ids of any shape"): "embed_for_two_dimensions",
    ("a02", "flatten", "Input that is not contiguous must work"): "FlattenByView",
    ("a02", "flatten", "A batch of one stays a batch"): "squeeze() without a dimension",
    ("a02", "flatten", "whose message names both numbers"): "refused without the sizes",
    ("a02", "flatten", "to (B, n·C) if one time step is left"): "time step of 1 kept",
    ("a02", "seen", "whether place p of the output depends on time step t"): "seen_by_sums",
    ("a03", "layer", "and leave them as they are"): "moves in eval mode",
    ("a03", "layer", "and leave the running statistics as they are"): "refused too late",
    ("a03", "layer", "has several values a channel, and is welcome"): "window refused",
    ("a03", "letters", "all windows that are *not* padding"): "letters_after_the_first_padding",
    ("a04", "step", "What you are given must stay as it is"): "step_in_place",
    ("a04", "schedule", "each of them may be 0"): "lr_that_always_falls",
    ("a04", "evaluate", "which may be either"): "always back to train mode",
    ("a04", "evaluate", "as many as are left"): "evaluated_with_an_empty_rest",
    ("a04", "evaluate", "torch records no gradients meanwhile"): "gradients recorded",
    ("a05", "softmax", "in one batch"): "one maximum for all",
    ("a05", "softmax", "Logits may lie near 1,000 or −1,000"): "softmax_less_the_first",
    ("a05", "draw", "A character with probability 0 is never drawn"): "edge to the left",
    ("a05", "mended", "its weights and its running statistics must be as they were"): "statistics thrown away",
    ("a05", "log_prob", "It may be longer than the window, and it may be empty"): "log_prob_of_a_product",
    ("a05", "log_prob", "The list must stay as it is"): "log_prob_that_pads_the_name",
    ("a07", "convolve", "The sequence may be shorter than the kernel is long"): "convolve_with_a_lag_inside",
    ("a07", "seen", "Leave the list `dilations` as it is"): "seen_and_used_up",
    ("a07", "fold", "What you are given must stay as it is"): "fold_in_place",
    ("a07", "mended", "all columns must still be computed at once"): "windows one by one",
    ("a08", "stack", "There may be any number of layers"): "stack_of_three_layers",
    ("a08", "stack", "What you are given must stay as it is"): "stack_in_place",
    ("a08", "name_losses", "has at least one target"): "losses_of_two_letters_or_more",
    ("a08", "name_losses", "What you are given must stay as it is"): "losses_in_place",
    ("a08", "memory", "T is at least the sum of the dilations"): "MemoryThatNeedsALongerHistory",
    ("a08", "memory", "must give what the stack gives for the whole sequence"): "queue one too long",
    ("a08", "memory", "Two memories may be in use at the same time"): "MemoryShared",
}
PROMISING = re.compile(
    r"\b(may be|may lie|must|never|at least|as (it|they) (is|are|were)|any (shape|number)|stays a)\b"
)
# What the input is like, not what an answer has to do.
GRANTED = ("at least two letters are left", "at least one of each window is not", "pairs that were never seen")


def texts(assignment):
    """The text of each exercise that has a table, by its name."""
    cells = json.loads(next(SOURCE.glob(f"{assignment}_*/*.ipynb")).read_text(encoding="utf-8"))["cells"]
    found, text = {}, ""
    for cell in cells:
        if cell["cell_type"] == "markdown" and "".join(cell["source"]).startswith("## "):
            text = "".join(cell["source"]).split("<details>")[0].split("\n", 1)[1]
        found.setdefault(cell["metadata"].get("nbgrader", {}).get("grade_id", ""), text)
    return {name: found[name] for name in TABLES[assignment]}


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_what_a_text_promises_is_tried(assignment):
    for name, text in texts(assignment).items():
        known = [words for (where, exercise, words) in PROMISES if (where, exercise) == (assignment, name)]
        assert all(words in text for words in known), name
        sentences = [one for one in re.split(r"(?<=[.:;])\s+|\n", text) if PROMISING.search(one)]
        assert [one for one in sentences if not any(words in one for words in (*known, *GRANTED))] == []


@pytest.mark.parametrize(("assignment", "name", "words"), PROMISES)
def test_who_breaks_a_promise_is_refused_whoever_the_student_is(assignment, name, words):
    breaks, exercise = PROMISES[assignment, name, words], TABLES[assignment][name]
    code = next((answer.code for answer in ANSWERS[assignment] if answer.code.__name__ == breaks), None)
    makes = next((mistake.makes for mistake in exercise.mistakes if mistake.name == breaks), None)
    exercise = replace(exercise, mistakes=())  # names take time
    for student in range(20):
        cases = exercise.cases(f"student {student}")
        results = collect(exercise, code, cases) if code else [result_of(makes, case) for case in cases]
        assert not exercise.judge(cases, results).right


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
