"""The form of the lessons: each rule maps a notebook to a list of problems, and each is seen to report one."""

import ast
import copy
import re
import statistics
from collections import Counter
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.tools.measure_lessons import exercise_minutes, reading_minutes

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
LESSONS = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
VERBS = set(
    re.findall(
        r"\w+",
        """predict derive implement explain compute measure show build tell name read choose
find prove compare count write check""",
    )
)
SECTIONS = ["About this lesson", "Your turn", "Summary", "The log", "Quiz", "Next", "References"]
FOLD = re.compile(r"<details>\s*<summary>(.*?)</summary>(.*?)</details>", re.DOTALL)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def prose(cells):
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def section(notebook, title):
    """The cells from the one that begins with `## title` to the next `## `."""
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            inside = cell.source.splitlines()[0].removeprefix("## ").strip() == title
        elif not cells:
            inside = False
        if inside:
            cells.append(cell)
        elif cells:
            break
    return cells


def items(text):
    return re.findall(r"^(?:[-*]|\d+\.) +(.+)$", text, re.MULTILINE)


def is_ignored(cell):
    return "nbval-ignore-output" in cell.metadata.get("tags", [])


def header(notebook):
    problems = []
    if not re.match(r"# \d\d · \S", notebook.cells[0].source):
        problems.append("the first cell's title is not '# NN · title'")
    promise = " ".join(line for line in notebook.cells[0].source.splitlines()[1:] if line and not line.startswith("|"))
    if len(promise) < 40 or not promise.endswith((".", "?", "!")):
        problems.append("no sentence of promise below the title")
    (about,) = section(notebook, "About this lesson")[:1] or [notebook.cells[0]]
    if not any(cell.cell_type == "code" and cell.outputs for cell in notebook.cells[: notebook.cells.index(about)]):
        problems.append("no names and no picture before the table")
    expected = {"Reading": r"\d+ minutes", "Exercises": r"\d+ minutes", "Run time": r"\d+ s"}
    expected |= {"Needs": r".+", "Gives": r".+"}
    rows = dict(re.findall(r"^\| *\**(\w[\w ]*?)\** *\| *(.*?) *\|$", about.source, re.MULTILINE))
    for row, form in expected.items():
        if not re.match(form, rows.get(row, "")):
            problems.append(f"the table has no row {row!r} of the form {form!r}: {rows.get(row)!r}")
    return problems


def minutes(notebook):
    """At most 30 by the formula, and the header says it."""
    about = prose(section(notebook, "About this lesson"))
    problems = [] if reading_minutes(notebook) <= 30 else [f"{reading_minutes(notebook)} minutes to read, over 30"]
    for row, actual in (("Reading", reading_minutes(notebook)), ("Exercises", exercise_minutes(notebook))):
        if f"| **{row}** | {actual} minutes |" not in about:
            problems.append(
                f"{row}: expected {actual} minutes; python -m tests.tools.measure_lessons --reading --write"
            )
    return problems


def judging(notebook):
    """No output is a judgement without the number that it judges."""
    problems = []
    for cell in code(notebook):
        text = "".join(o.get("text", "") for o in cell.outputs if o.output_type == "stream").strip()
        if re.search(r"(: True|: False|^True|^False)\s*$", text, re.MULTILINE) and not re.search(r"\d\.\d", text):
            problems.append(f"cell [{cell.execution_count}] judges instead of showing: {text[:60]!r}")
    return problems


def sections(notebook):
    titles = re.findall(r"^## (.+?)\s*$", prose(notebook.cells), re.MULTILINE)
    found = [title for title in titles if title in SECTIONS]
    return [] if found == SECTIONS else [f"expected the sections {SECTIONS}, got {found}"]


def objectives(notebook):
    found = items(prose(section(notebook, "About this lesson")))
    problems = [] if 3 <= len(found) <= 5 else [f"expected 3 to 5 objectives, got {len(found)}"]
    for item in found:
        if re.split(r"\W+", item.strip("*_ "))[0].lower() not in VERBS:
            problems.append(f"objective begins with no testable verb: {item!r}")
    return problems


def folds(notebook):
    text = prose(notebook.cells)
    closed = FOLD.findall(text)
    problems = [] if len(closed) == text.count("<details") else ["a <details> lacks its <summary> or its end"]
    for title, body in closed:
        if not title.strip() or not body.strip():
            problems.append(f"an empty fold: {title!r}")
        elif not body.startswith("\n\n"):
            problems.append(f"no blank line after the summary, so that Markdown in it is not read: {body[:40]!r}")
    ends = [notebook.cells.index(cells[0]) for cells in [section(notebook, "Your turn")] if cells]
    asked = len(FOLD.findall(prose(notebook.cells[: ends[0]] if ends else notebook.cells)))
    before = re.findall(
        r"([^\n]*)\n\n<details><summary>Answer", prose(notebook.cells[: ends[0]] if ends else notebook.cells)
    )
    problems += [f"a question without '**Predict.**': {one[-60:]!r}" for one in before if "**Predict.**" not in one]
    if asked < 3:
        problems.append(f"expected at least 3 predictions with folded answers before 'Your turn', got {asked}")
    return problems


def exercises(notebook):
    groups = []
    for cell in section(notebook, "Your turn"):
        if cell.cell_type == "code":
            for group in groups[-1:]:
                group[1].append(cell)
            continue
        before, *parts = re.split(r"^### ", cell.source, flags=re.MULTILINE)
        for group in groups[-1:]:
            group[0] += before
        groups += [["### " + part, []] for part in parts]
    problems = [] if 2 <= len(groups) <= 3 else [f"expected two or three exercises, got {len(groups)}"]
    checked = 0
    for text, cells in groups:
        title = text.splitlines()[0]
        if not re.search(r"[●○]{2,}|difficulty", text, re.IGNORECASE) or not re.search(r"\d+ minutes", text):
            problems.append(f"exercise without difficulty or minutes: {title!r}")
        folded = " ".join(name for name, _ in FOLD.findall(text)).lower()
        # An exercise on the reader's own data can't be checked, and has to say so.
        is_open = "no check" in text
        expected = ["hint"] if is_open else ["hint", "solution"]
        problems += [f"exercise without a folded {what}: {title!r}" for what in expected if what not in folded]
        has_check = any("checks." in cell.source for cell in cells)
        checked += has_check
        if not has_check and not is_open:
            problems.append(f"exercise without a call to checks.: {title!r}")
    return problems + ([] if checked >= 2 else [f"expected at least two checked exercises, got {checked}"])


def summary(notebook):
    found = len(items(prose(section(notebook, "Summary"))))
    return [] if 3 <= found <= 6 else [f"expected a summary of 3 to 6 bullets, got {found}"]


def quiz(notebook):
    text = prose(section(notebook, "Quiz"))
    asked = re.split(FOLD.pattern, text, flags=re.DOTALL)[::3]
    questions = [question for question in asked[:-1] if "?" in question]
    answers = len(FOLD.findall(text))
    problems = [
        f"expected the options as a list, - a) to - d): {question[:60]!r}"
        for question in questions
        if re.findall(r"^- ([a-d])\) ", question, re.MULTILINE) != list("abcd")
    ]
    if not len(questions) == answers == 3:
        problems.append(f"expected 3 questions, got {len(questions)}, with {answers} answers")
    return problems


def lengths(notebook):
    """At most 20 lines in a cell; a fold counts as the one line that is seen of it."""
    problems = []
    for number, cell in enumerate(notebook.cells):
        lines = cell.source.splitlines()
        if cell.cell_type == "markdown":
            lines = [line for line in FOLD.sub("fold", cell.source).splitlines() if line.strip()]
        if len(lines) > 20:
            problems.append(f"cell {number} has {len(lines)} lines, over 20")
    sizes = sorted(sum(bool(line.strip()) for line in cell.source.splitlines()) for cell in code(notebook))
    median = statistics.median(sizes)
    return problems + ([] if median <= 4 else [f"the median code cell has {median} lines, over 4: {sizes}"])


def executed(notebook):
    counts = [cell.execution_count for cell in code(notebook)]
    problems = [] if counts == [*range(1, len(counts) + 1)] else [f"not run top to bottom in a fresh kernel: {counts}"]
    if any(cell.cell_type == "code" and not cell.source.strip() for cell in notebook.cells):
        problems.append("an empty code cell")
    if not any(cell.outputs for cell in code(notebook)):
        problems.append("no outputs are stored")
    for cell in code(notebook):
        problems += [f"stored error: {output.ename}" for output in cell.outputs if output.output_type == "error"]
    return problems


def shows(source):
    """Calls of show(...) that run when the cell runs: not those in a function's body, which a widget may call."""
    nodes, found = [ast.parse(re.sub(r"^[%!]", "#", source, flags=re.MULTILINE))], 0
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Call):
            of = node.func
            plain = isinstance(of, ast.Name) and of.id == "show"
            found += plain or (isinstance(of, ast.Attribute) and of.attr == "show" and ast.unparse(of.value) != "plt")
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            nodes += ast.iter_child_nodes(node)
    return found


def figures(notebook):
    problems = []
    for cell in code(notebook):
        described = 0
        for output in cell.outputs:
            data = output.get("data", {})
            if any(kind.startswith("image/") for kind in data) and "text/html" not in data:
                problems.append(f"a picture without description in cell [{cell.execution_count}]")
            for tag in re.findall(r"<img[^>]*>", "".join(data.get("text/html", ""))):
                alt = re.search(r'alt="([^"]*)"', tag)
                if alt and len(alt[1]) >= 40:
                    described += 1
                else:
                    problems.append(
                        f"a picture in cell [{cell.execution_count}] without a description of 40 characters"
                    )
        if described < shows(cell.source):
            problems.append(f"cell [{cell.execution_count}] calls show( and stores no described picture for it")
    for alt in re.findall(r"!\[([^\]]*)\]\(|<img(?![^>]*alt=\"[^\"]{40})", prose(notebook.cells)):
        if len(alt) < 40:
            problems.append(f"a picture in the prose without a description of 40 characters: {alt!r}")
    return problems


def forbidden(notebook):
    words = (r"^\s*[!%]+\s*(pip|conda)\b", r"\bsys\.path\b", r"\bplt\.show\(", r"# *(NBVAL|PYTEST_VALIDATE)_")
    return [
        f"cell [{cell.execution_count}] holds {found[0]!r}"
        for cell in code(notebook)
        for word in words
        if (found := re.search(word, cell.source, re.MULTILINE))
    ]


def tags(notebook):
    problems = []
    for cell in notebook.cells:
        for tag in cell.metadata.get("tags", []):
            if tag in ("nbval-skip", "raises-exception"):
                problems.append(f"the tag {tag} hides what a cell gives: {cell.source[:40]!r}")
        varies = r"\btrain\(|_names\("
        if is_ignored(cell) and not re.search(varies, cell.source):
            problems.append(f"uncompared, and neither trains nor samples: {cell.source[:40]!r}")
    ignored = sum(map(is_ignored, code(notebook)))
    printing = sum(bool(cell.outputs) for cell in code(notebook))
    if ignored * 10 > printing:
        problems.append(f"at most one in ten of {printing} cells with outputs may be uncompared, got {ignored}")
    return problems


def stills(notebook):
    """No widget is stored: without a kernel, JupyterLab shows an error in place of its still figure."""
    kinds = [kind for cell in code(notebook) for output in cell.outputs for kind in output.get("data", {})]
    stored = kinds.count("application/vnd.jupyter.widget-view+json") + ("widgets" in notebook.metadata)
    return ["a stored widget: python -m tests.tools.measure_lessons --reading --write takes it out"] * bool(stored)


def widths(notebook):
    lines = [line for cell in code(notebook) for line in cell.source.splitlines()]
    return [f"{len(line)} characters of code, over 88: {line!r}" for line in lines if len(line) > 88]


DEFINED = re.compile(r"\*\*\*(.+?)\*\*\*")
ENTRY = re.compile(r"\*\*(.+?)\*\*: (?:.+\. \(\[(\d\d)\]\(\2_\w+\.ipynb\)\)|see .+\.)")


def terms(lessons, glossary):
    """Each ***term*** is defined once, in the lesson that the glossary credits; its entries are in order by letter."""
    letter, entries, problems = "", [], []
    for line in glossary.splitlines():
        if line.startswith("## "):
            letter = line.removeprefix("## ")
        elif line.startswith("**") and (entry := ENTRY.fullmatch(line)):
            entries.append((letter, *entry.groups()))
        elif line.startswith("**"):
            problems.append(f"not of the form '**term**: Meaning. ([NN](NN_lesson.ipynb))': {line!r}")
    problems += [f"{term!r} is under {letter}" for letter, term, _ in entries if term[0].upper() != letter]
    in_pairs = pairwise(term.lower() for _, term, _ in entries)
    problems += [f"{term!r} comes after {before!r}" for before, term in in_pairs if before >= term]
    defined = Counter((normal(term), number) for number in lessons for term in DEFINED.findall(lessons[number]))
    credited = Counter((normal(term), number) for _, term, number in entries if number)
    problems += [f"{number} defines {term!r}, the glossary doesn't credit it" for term, number in defined - credited]
    return problems + [f"{number} doesn't define {term!r}" for term, number in credited - defined]


def normal(term):
    return re.sub(r"(?<!s)s$", "", " ".join(term.lower().split()))


RULES = [
    header, minutes, sections, objectives, folds, exercises, summary, quiz, lengths, executed, judging, figures, forbidden,
    tags, stills, widths,
]  # fmt: skip


def test_lessons_are_numbered_from_one():
    assert [path.name[:2] for path in LESSONS] == [f"{number:02d}" for number in range(1, len(LESSONS) + 1)]
    assert LESSONS


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson(path, rule):
    problems = rule(nbformat.read(path, as_version=4))
    assert not problems, "\n".join(problems)


FOLDED = "<details><summary>{}</summary>\n\nBecause.\n\n</details>\n"
ASKED = "**Predict.** Why?\n\n" + FOLDED.format("Answer")
OPTIONS = "- a) one\n- b) two\n- c) three\n- d) four\n\n"
ALT = "A line that falls from left to right, so the loss goes down."
PICTURE = f'<img alt="{ALT}" src="data:image/png;base64,AAAA">'


def good_lesson():
    """The smallest lesson without a problem."""
    cells = [
        new_markdown_cell("# 01 · A title\n\nThis lesson shows how letters become numbers for a net."),
        new_code_cell("names", outputs=[new_output("stream", text="emma\n")]),
        new_markdown_cell(
            "## About this lesson\n\n| about | this lesson |\n|---|---|\n| **Reading** | 3 minutes |\n"
            "| **Exercises** | 20 minutes |\n| **Run time** | 5 s |\n| **Needs** | nothing |\n| **Gives** | a lot |\n\n"
            "- **predict** a shape\n- explain it\n- *measure* it"
        ),
        new_markdown_cell("## A question\nThe ***time step***.\n\n" + 3 * ASKED),
        new_code_cell("plots.show(fig, alt)", outputs=[html(PICTURE)]),
        *[new_code_cell(f"print({i})", outputs=[new_output("stream", text=f"{i}\n")]) for i in range(8)],
        new_code_cell("history = train(model)", outputs=[html("a bar")], metadata={"tags": ["nbval-ignore-output"]}),
        new_markdown_cell("## Your turn\n\n### 1. This · ●○○ · 5 minutes\nDo."),
        new_code_cell("checks.this(answer)"),
        new_markdown_cell(FOLDED.format("Hint") + FOLDED.format("Solution") + "\n### 2. That · ●●○ · 15 minutes\nDo."),
        new_code_cell("checks.that(answer)"),
        new_markdown_cell(FOLDED.format("Hint") + FOLDED.format("Solution")),
        new_markdown_cell("## Summary\n- one\n- two\n- three"),
        new_markdown_cell("## The log"),
        new_code_cell("plots.log(1)", outputs=[html("a table")]),
        new_markdown_cell("## Quiz"),
        *[new_markdown_cell("Which?\n\n" + OPTIONS + FOLDED.format("Answer")) for _ in range(3)],
        new_markdown_cell("## Next\nMore."),
        new_markdown_cell("## References\nA paper."),
    ]
    notebook = new_notebook(cells=cells)
    for number, cell in enumerate(code(notebook), start=1):
        cell.execution_count = number
    return notebook


def html(text):
    return new_output("display_data", data={"text/html": text})


def replace(old, new, count=-1):
    """A way to break the good lesson: other text in every cell that has the old one."""

    def change(notebook):
        for cell in notebook.cells:
            cell.source = cell.source.replace(old, new, count)

    return change


def tag(number, name):
    return lambda notebook: notebook.cells[number].metadata.update(tags=[name])


def output(number, new):
    return lambda notebook: notebook.cells[number].update(outputs=[new])


BROKEN = [
    (header, lambda notebook: notebook.cells.pop(1), "before the table"),
    (header, replace("| **Exercises** | 20 minutes |", ""), "Exercises"),
    (minutes, replace("| **Reading** | 3", "| **Reading** | 9"), "expected 3 minutes"),
    (minutes, replace("More.", "word " * 6000), "over 30"),
    (sections, replace("## The log", "## A log"), "The log"),
    (judging, output(6, new_output("stream", text="lower: True\n")), "judges"),
    (header, replace("3 minutes |", "? minutes |"), "Reading"),
    (sections, replace("## Next", "## Then"), "Next"),
    (objectives, replace("- explain", "- understand"), "understand"),
    (folds, replace(3 * ASKED, 2 * ASKED), "got 2"),
    (folds, replace("**Predict.**", ""), "without"),
    (exercises, replace("checks.that(answer)", "answer"), "checks."),
    (summary, replace("- two\n", ""), "got 2"),
    (quiz, replace("Which?", "Which."), "got 0"),
    (quiz, replace("- c) three", "c) three", 1), "as a list"),
    (lengths, replace("print(3)", "print(3)\n" * 21), "21 lines"),
    (executed, output(5, new_output("error", ename="ValueError", evalue="", traceback=[])), "ValueError"),
    (figures, output(5, new_output("display_data", data={"image/png": "AAAA"})), "without description"),
    (figures, output(4, html(PICTURE.replace("alt", "title"))), "without a description"),
    (forbidden, replace("print(2)", "sys.path.append('..')"), "sys.path"),
    (tags, tag(5, "nbval-skip"), "hides"),
    (
        stills,
        output(6, new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}})),
        "a stored widget",
    ),
    (stills, lambda notebook: notebook.metadata.update(widgets={}), "a stored widget"),
    (widths, replace("print(2)", "print(2)" + "  #" * 27), "89 characters"),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule_accepts_a_good_lesson(rule):
    assert rule(good_lesson()) == []


@pytest.mark.parametrize(
    ("rule", "spoil", "said"), BROKEN, ids=[f"{i}-{rule.__name__}" for i, (rule, *_) in enumerate(BROKEN)]
)
def test_rule_reports_a_broken_lesson(rule, spoil, said):
    before = good_lesson()
    after = copy.deepcopy(before)
    spoil(after)
    assert after != before, "this way to break the lesson changes nothing"
    problems = " | ".join(rule(after))
    assert said in problems


def test_each_term_is_defined_in_the_one_lesson_that_the_glossary_credits():
    lessons = {path.name[:2]: prose(nbformat.read(path, as_version=4).cells) for path in LESSONS}
    problems = terms(lessons, prose(nbformat.read(FOLDER / "glossary.ipynb", as_version=4).cells))
    assert not problems, "\n".join(problems)


ENTRIES = (
    "## B\n**batch**: Many. ([01](01_a.ipynb))\n## T\n**T**: see time step.\n**time step**: One. ([02](02_b.ipynb))"
)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("01_a", "02_a", "not of the form"),
        ("## B", "## C", "'batch' is under C"),
        ("**T**", "**top**", "'time step' comes after 'top'"),
        ("[02](02", "[01](01", "02 defines 'time step'"),
        ("**time step**", "**time**", "02 doesn't define 'time'"),
    ],
)
def test_a_term_in_the_wrong_place_is_reported(old, new, said):
    lessons = {"01": "The ***batch***.", "02": "***Time steps***."}
    assert terms(lessons, ENTRIES) == []
    assert said in " | ".join(terms(lessons, ENTRIES.replace(old, new)))
    assert terms(lessons | {"03": "A ***batch***."}, ENTRIES) == ["03 defines 'batch', the glossary doesn't credit it"]
