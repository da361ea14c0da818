"""What a student wrote is found, wherever it is: nothing is lost, and what was released never wins over work."""

import copy
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom.checks import find
from classroom.grading import notebook, pages, records
from classroom.grading.attempt import Outcome
from tests.classroom.factories import A01, POINTS, RIGHT, insert, place

NAMES = {exercise: find("a01", exercise).answer for exercise in POINTS}
STUB = notebook.release(A01.assignment)
TEXT = "An id is a label, and no quantity."
MORE = "The table learns where each letter lies."
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def planned(book):
    return notebook.make_plan(A01.assignment, notebook.cells(json.dumps(book).encode())[0], NAMES)


def text(source, kind="markdown", **more):
    return {"cell_type": kind, "metadata": {}, "source": source, **more}


def lose(book, name):
    """The cell without its metadata and id."""
    cell = book["cells"][place(book, name)]
    cell["metadata"] = {}
    cell.pop("id", None)


def append(book, *cells):
    book["cells"] += cells


def set_source(book, name, source):
    book["cells"][place(book, name)]["source"] = source


def twice(book, name, source):
    """The cell, and a copy of it with another source below."""
    book["cells"].append(copy.deepcopy(book["cells"][place(book, name)]) | {"source": source})


def become(book, name, kind):
    book["cells"][place(book, name)]["cell_type"] = kind


EXPLAINED = {
    "lost its metadata and id": lambda book: lose(book, "explain"),
    "split": lambda book: (set_source(book, "explain", TEXT), twice(book, "explain", MORE)),
    "split without metadata": lambda book: (set_source(book, "explain", TEXT), append(book, text(MORE))),
    "below the untouched cell": lambda book: (set_source(book, "explain", STUB["explain"]), append(book, text(f"{TEXT}\n\n{MORE}"))),
    "copy of the stub below": lambda book: twice(book, "explain", STUB["explain"]),
    "stub left above": lambda book: set_source(book, "explain", f"{STUB['explain']}\n\n{TEXT} {MORE}"),
    "became code": lambda book: become(book, "explain", "code"),
    "became raw": lambda book: become(book, "explain", "raw"),
    "in a new code cell": lambda book: (set_source(book, "explain", STUB["explain"]), append(book, text(f"{TEXT} {MORE}", "code"))),
    "in comments of a new code cell": lambda book: (set_source(book, "explain", ""), append(book, text(f"# {TEXT} {MORE}", "code"))),
    "in the question's cell": lambda book: (
        set_source(book, "explain", STUB["explain"]),
        book["cells"][place(book, "explain") - 1].update(source=f"{book['cells'][place(book, 'explain') - 1]['source']}\n\n{TEXT} {MORE}"),
    ),
    "moved to the top, its cell deleted": lambda book: (
        book["cells"].pop(place(book, "explain")),
        book["cells"].insert(3, text(f"{TEXT} {MORE}")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", EXPLAINED.values(), ids=EXPLAINED)
def test_explanation_is_found_and_given_once(change):
    book = A01.filled("ada", RIGHT, f"{TEXT} {MORE}")
    change(book)
    plan = planned(book)
    assert plan.answers["explain"].count(TEXT) == plan.answers["explain"].count(MORE) == 1
    assert STUB["explain"] not in plan.answers["explain"] and not plan.texts.elsewhere
    assert not [source for kind, _, source in plan.steps if kind == "cell" and TEXT in source]


def test_release_has_no_explanation():
    plan = planned(A01.release)
    assert plan.answers["explain"] == plan.texts.elsewhere == "" and not plan.notes


WORDS = st.lists(st.sampled_from(["a", "label", "is", "no", "number", "table"]), min_size=3).map(" ".join)


@given(st.lists(st.tuples(st.integers(0, 40), WORDS, st.sampled_from(["markdown", "raw", "code"])), max_size=4))
def test_every_text_is_in_an_answer_or_shown_beside_them(written):
    book = A01.filled("ada", RIGHT, TEXT)
    for number, (at, words, kind) in enumerate(written):
        book["cells"].insert(at, text(f"{number}: {words}" if kind != "code" else f'"""{number}: {words}"""', kind))
    plan = planned(book)
    shown = pages.reading(
        A01.assignment,
        [
            records.Attempt(
                "ada", 1, "", "", Outcome(manual={"explain": plan.answers["explain"]}, elsewhere=plan.texts.elsewhere)
            )
        ],
    )
    assert all(f"{number}: {words}" in shown for number, (_, words, _) in enumerate(written)) and TEXT in shown  # fmt: skip


@pytest.mark.parametrize(
    "cell",
    [
        text("![a b.png](attachment:a%20b.png)", attachments={"a b.png": {"image/png": PIXEL}}),
        text("Look!", attachments={"a.png": {"image/png": [PIXEL[:40] + "\n", PIXEL[40:]]}}),
        text(f"![](data:image/png;base64,{PIXEL})"),
    ],
    ids=["attached", "attached in lines", "in the text"],
)
def test_pictures_are_shown_to_the_teacher(cell):
    book = A01.filled("ada", RIGHT, STUB["explain"])
    book["cells"][place(book, "explain")] |= {**cell, "metadata": book["cells"][place(book, "explain")]["metadata"]}
    plan = planned(book)
    outcome = Outcome(manual={"explain": plan.answers["explain"]}, pictures=plan.texts.pictures)
    page = pages.reading(A01.assignment, [records.Attempt("ada", 1, "", "", outcome)])
    assert f'src="data:image/png;base64,{PIXEL}"' in page and "attachment:" not in page
    assert "picture" in plan.answers["explain"] and PIXEL not in plan.answers["explain"]


@pytest.mark.parametrize("kind", ["image/svg+xml", "text/html", 'image/png;base64,"><script>'])
def test_attachments_that_are_no_pictures_are_named(kind):
    plan = planned({"cells": [text("![](attachment:a)", attachments={"a": {kind: PIXEL}, "b": 3, "c": {kind: [7]}})]})
    assert "look into the notebook" in plan.answers["explain"] and plan.texts.pictures == {"explain": []}


WORK = RIGHT["windows"]
CODE = {
    "became text": lambda book: become(book, "windows-answer", "markdown"),
    "became fenced text": lambda book: (
        become(book, "windows-answer", "markdown"),
        set_source(book, "windows-answer", f"```python\n{WORK}\n```"),
    ),
    "copy of the stub below": lambda book: twice(book, "windows-answer", STUB["windows-answer"]),
    "stub above its test, work below": lambda book: (
        set_source(book, "windows-answer", STUB["windows-answer"]),
        append(book, text(WORK, "code")),
    ),
    "in the test cell": lambda book: (
        set_source(book, "windows-answer", STUB["windows-answer"]),
        set_source(book, "windows", f"{WORK}\nprint(checks.check('a01', 'windows', my_windows))"),
    ),
    "lost, beside the stub": lambda book: (
        insert(book, WORK, "windows"),
        set_source(book, "windows-answer", STUB["windows-answer"]),
    ),
    "annotated": lambda book: (
        lose(book, "windows-answer"),
        set_source_of(book, WORK, f"{WORK}\nmy_other: int = 3"),
    ),
}


def set_source_of(book, old, new):
    for cell in book["cells"]:
        cell["source"] = new if cell["source"] == old else cell["source"]


@pytest.mark.parametrize("change", CODE.values(), ids=CODE)
def test_work_is_run_before_its_test_and_no_stub_after_it(change):
    book = A01.filled("ada", RIGHT)
    change(book)
    plan = planned(book)
    run = [index for index, (kind, _, source) in enumerate(plan.steps) if kind == "cell" and "rows.append" in source]
    stubs = [
        index
        for index, step in enumerate(plan.steps)
        if notebook.same(step[2]) == notebook.same(STUB["windows-answer"])
    ]
    (tested,) = [index for index, step in enumerate(plan.steps) if step[::2] == ("collect", "windows")]
    assert len(run) == 1 and run[0] < tested and not [index for index in stubs if run[0] < index < tested]
    assert "rows.append" in plan.answers["windows-answer"]


@pytest.mark.parametrize(
    "source",
    [
        "def f(x): pass", "async def f(x): pass", "class f: pass", "f = 1", "f: int = 1", "g, f = 1, 2", "from lib import f",
        "x = !ls\nf = 1", "import x as f", "if True:\n    def f(): pass", "%%time\ndef f(): pass",
    ],
)  # fmt: skip
def test_definitions_in_every_form_count(source):
    assert notebook.defines(source, "f")


@pytest.mark.parametrize(
    "source", ["g = 1", "f == 1", "f(1)", "x = f", "def fg(): pass", "g(f, x=1)", "# f = 1", "f.x = 1"]
)
def test_uses_of_a_name_are_no_definitions(source):
    assert not notebook.defines(source, "f")


def test_hostile_texts_are_read_in_linear_time():
    """Each would take minutes if the time were quadratic."""
    big = notebook.LONGEST - 10
    many = {f"{n}.png": {"image/png": "AAAA"} for n in range(100_000)}
    sources = [
        "a" * big,
        "a,\n" * (big // 3),
        "a, " * (big // 3),
        " " * big,
        "\n" * big,
        "```" * (big // 3),
        "a b " * (big // 4),
    ]
    cells = [text(source, kind) for source in sources for kind in ("code", "markdown")]
    cells += [text("data:image/png;base64,A " * 100_000), text("", attachments=many)]
    begin = time.process_time()
    planned({"cells": cells})
    assert time.process_time() - begin < 30
