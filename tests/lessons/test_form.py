"""The form of the lessons: every rule is a function from a notebook to a list of complaints, and each is seen to fail."""

import ast
import copy
import re
import statistics
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
LESSONS = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
VERBS = [
    "predict",
    "derive",
    "implement",
    "explain",
    "compute",
    "measure",
    "show",
    "build",
    "tell",
    "name",
    "read",
    "choose",
]
VERBS += ["find", "prove", "compare", "count", "write", "check"]
SECTIONS = ["Objectives", "Your turn", "Summary", "Quiz", "Next", "References"]
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
    text = notebook.cells[0].source
    lines = text.splitlines()
    complaints = []
    if not re.match(r"# \d\d · \S", text):
        complaints.append("the first cell's title is not '# NN · title'")
    promise = " ".join(line for line in lines[1:] if line and not line.startswith("|"))
    if len(promise) < 40 or not promise.endswith("."):
        complaints.append("no sentence of promise below the title")
    rows = dict(re.findall(r"^\| *\**(\w[\w ]*?)\** *\| *(.*?) *\|$", text, re.MULTILINE))
    for row, form in (("Reading", r"\d+ minutes"), ("Run time", r"\d+ s"), ("Needs", r".+"), ("Gives", r".+")):
        if not re.match(form, rows.get(row, "")):
            complaints.append(f"the header's table has no row {row!r} of the form {form!r}: {rows.get(row)!r}")
    return complaints


def sections(notebook):
    titles = re.findall(r"^## (.+?)\s*$", prose(notebook.cells), re.MULTILINE)
    found = [title for title in titles if title in SECTIONS]
    return [] if found == SECTIONS else [f"sections wanted: {SECTIONS}; found, in this order: {found}"]


def objectives(notebook):
    found = items(prose(section(notebook, "Objectives")))
    complaints = [] if 3 <= len(found) <= 5 else [f"3 to 5 objectives wanted; found {len(found)}"]
    for item in found:
        if re.split(r"\W+", item.strip("*_ "))[0].lower() not in VERBS:
            complaints.append(f"objective begins with no testable verb: {item!r}")
    return complaints


def folds(notebook):
    text = prose(notebook.cells)
    closed = FOLD.findall(text)
    complaints = [] if len(closed) == text.count("<details") else ["a <details> lacks its <summary> or its end"]
    for title, body in closed:
        if not title.strip() or not body.strip():
            complaints.append(f"an empty fold: {title!r}")
        elif not body.startswith("\n\n"):
            complaints.append(f"no blank line after the summary, so that Markdown in it is not read: {body[:40]!r}")
    ends = [notebook.cells.index(cells[0]) for cells in [section(notebook, "Your turn")] if cells]
    asked = len(FOLD.findall(prose(notebook.cells[: ends[0]] if ends else notebook.cells)))
    if asked < 3:
        complaints.append(f"at least 3 predictions with folded answers wanted before 'Your turn'; found {asked}")
    return complaints


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
    complaints = [] if 2 <= len(groups) <= 3 else [f"two or three exercises wanted; found {len(groups)}"]
    checked = 0
    for text, cells in groups:
        title = text.splitlines()[0]
        if not re.search(r"[●○]{2,}|difficulty", text, re.IGNORECASE) or not re.search(r"\d+ minutes", text):
            complaints.append(f"exercise without difficulty or minutes: {title!r}")
        folded = " ".join(name for name, _ in FOLD.findall(text)).lower()
        # An exercise on the reader's own data can't be checked, and has to say so.
        is_open = "no check" in text
        wanted = ["hint"] if is_open else ["hint", "solution"]
        complaints += [f"exercise without a folded {what}: {title!r}" for what in wanted if what not in folded]
        has_check = any("checks." in cell.source for cell in cells)
        checked += has_check
        if not has_check and not is_open:
            complaints.append(f"exercise without a call to checks.: {title!r}")
    return complaints + ([] if checked >= 2 else [f"at least two checked exercises wanted; found {checked}"])


def summary(notebook):
    found = len(items(prose(section(notebook, "Summary"))))
    return [] if 3 <= found <= 6 else [f"a summary of 3 to 6 bullets wanted; found {found}"]


def quiz(notebook):
    text = prose(section(notebook, "Quiz"))
    asked = re.split(FOLD.pattern, text, flags=re.DOTALL)[::3]
    questions = [question for question in asked[:-1] if "?" in question]
    answers = len(FOLD.findall(text))
    return [] if len(questions) == answers == 3 else [f"3 questions wanted; found {len(questions)}, answers {answers}"]


def lengths(notebook):
    complaints = []
    for number, cell in enumerate(notebook.cells):
        lines = cell.source.splitlines()
        if cell.cell_type == "markdown":
            lines = [line for line in lines if line.strip()]
        if len(lines) > 20:
            complaints.append(f"cell {number} has {len(lines)} lines, over 20")
    sizes = sorted(sum(bool(line.strip()) for line in cell.source.splitlines()) for cell in code(notebook))
    median = statistics.median(sizes)
    return complaints + ([] if median <= 4 else [f"the median code cell has {median} lines, over 4: {sizes}"])


def executed(notebook):
    counts = [cell.execution_count for cell in code(notebook)]
    complaints = (
        [] if counts == [*range(1, len(counts) + 1)] else [f"not run top to bottom in a fresh kernel: {counts}"]
    )
    if any(cell.cell_type == "code" and not cell.source.strip() for cell in notebook.cells):
        complaints.append("an empty code cell")
    if not any(cell.outputs for cell in code(notebook)):
        complaints.append("no outputs are stored")
    for cell in code(notebook):
        complaints += [f"stored error: {output.ename}" for output in cell.outputs if output.output_type == "error"]
    return complaints


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
    complaints = []
    for cell in code(notebook):
        described = 0
        for output in cell.outputs:
            data = output.get("data", {})
            bare = [kind for kind in data if kind.startswith("image/") and "text/html" not in data]
            complaints += [f"a bare {kind} in cell [{cell.execution_count}]" for kind in bare]
            for tag in re.findall(r"<img[^>]*>", "".join(data.get("text/html", ""))):
                alt = re.search(r'alt="([^"]*)"', tag)
                if alt and len(alt[1]) >= 40:
                    described += 1
                else:
                    complaints.append(
                        f"a picture in cell [{cell.execution_count}] without a description of 40 characters"
                    )
        if described < shows(cell.source):
            complaints.append(f"cell [{cell.execution_count}] calls show( and stores no described picture for it")
    for alt in re.findall(r"!\[([^\]]*)\]\(|<img(?![^>]*alt=\"[^\"]{40})", prose(notebook.cells)):
        if len(alt) < 40:
            complaints.append(f"a picture in the prose without a description of 40 characters: {alt!r}")
    return complaints


def forbidden(notebook):
    words = (r"^\s*[!%]+\s*(pip|conda)\b", r"\bsys\.path\b", r"\bplt\.show\(", r"# *(NBVAL|PYTEST_VALIDATE)_")
    return [
        f"cell [{cell.execution_count}] holds {found[0]!r}"
        for cell in code(notebook)
        for word in words
        if (found := re.search(word, cell.source, re.MULTILINE))
    ]


def tags(notebook):
    complaints = []
    for cell, following in zip(notebook.cells, [*notebook.cells[1:], None], strict=True):
        for tag in cell.metadata.get("tags", []):
            if tag in ("nbval-skip", "raises-exception"):
                complaints.append(f"the tag {tag} hides what a cell gives: {cell.source[:40]!r}")
        if is_ignored(cell):
            if not re.search(r"\btrain\(|\binteract(ive|ive_output|_manual)?\(|\bwidgets\.", cell.source):
                complaints.append(f"uncompared, and neither trains nor draws widgets: {cell.source[:40]!r}")
            if following is None or following.cell_type != "code" or not re.search(r"\bassert\b", following.source):
                complaints.append(f"uncompared, and not followed by a cell that asserts: {cell.source[:40]!r}")
    ignored = sum(map(is_ignored, code(notebook)))
    printing = sum(bool(cell.outputs) for cell in code(notebook))
    if ignored * 10 > printing:
        complaints.append(f"at most one in ten of {printing} cells with outputs may be uncompared; found {ignored}")
    return complaints


def labels(notebook):
    return [] if "**Measured here" in prose(notebook.cells) else ["no explanation is labelled **Measured here**"]


def terms(notebook, entries=None):
    if entries is None:
        entries = glossary_entries(prose(nbformat.read(FOLDER / "glossary.ipynb", as_version=4).cells))
    introduced = re.findall(r"\*\*\*(.+?)\*\*\*", prose(notebook.cells))
    return [f"the glossary has no entry {term!r}" for term in introduced if normal(term) not in entries]


def glossary_entries(text):
    return {normal(term) for term in re.findall(r"^\s*(?:[-|] *)?\*\*(.+?)\*\*", text, re.MULTILINE)}


def normal(term):
    return " ".join(term.lower().split()).rstrip("s")


RULES = [
    header, sections, objectives, folds, exercises, summary, quiz, lengths, executed, figures, forbidden, tags, labels, terms,
]  # fmt: skip


def test_lessons_are_numbered_from_one():
    assert [path.name[:2] for path in LESSONS] == [f"{number:02d}" for number in range(1, len(LESSONS) + 1)]
    assert LESSONS


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson(path, rule):
    complaints = rule(nbformat.read(path, as_version=4))
    assert not complaints, "\n".join(complaints)


FOLDED = "<details><summary>{}</summary>\n\nBecause.\n\n</details>\n"
ALT = "A line that falls from left to right, so the loss goes down."
PICTURE = f'<img alt="{ALT}" src="data:image/png;base64,AAAA">'


def good_lesson():
    """The smallest lesson without a complaint."""
    cells = [
        new_markdown_cell(
            "# 01 · A title\n\nThis lesson shows how letters become numbers for a net.\n\n| | |\n|---|---|\n"
            "| **Reading** | 5 minutes |\n| **Run time** | 5 s |\n| **Needs** | nothing |\n| **Gives** | a lot |"
        ),
        new_markdown_cell("## Objectives\n- **predict** a shape\n- explain it\n- *measure* it"),
        new_markdown_cell("## A question\nThe ***time step***.\n" + 3 * FOLDED.format("Answer")),
        new_code_cell("plots.show(fig, alt)", outputs=[html(PICTURE)]),
        *[new_code_cell(f"print({i})", outputs=[new_output("stream", text=f"{i}\n")]) for i in range(8)],
        new_code_cell("history = train(model)", outputs=[html("a bar")], metadata={"tags": ["nbval-ignore-output"]}),
        new_code_cell("assert history"),
        new_markdown_cell("**Measured here.** It is so."),
        new_markdown_cell("## Your turn\n\n### 1. This · ●○○ · 5 minutes\nDo."),
        new_code_cell("checks.this(answer)"),
        new_markdown_cell(FOLDED.format("Hint") + FOLDED.format("Solution") + "\n### 2. That · ●●○ · 15 minutes\nDo."),
        new_code_cell("checks.that(answer)"),
        new_markdown_cell(FOLDED.format("Hint") + FOLDED.format("Solution")),
        new_markdown_cell("## Summary\n- one\n- two\n- three"),
        new_markdown_cell("## Quiz\n" + 3 * ("Which?\n\n" + FOLDED.format("Answer"))),
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


def drop(number):
    return lambda notebook: notebook.cells.pop(number)


def move_last_section_up(notebook):
    notebook.cells.insert(2, notebook.cells.pop())


def bare_figure(notebook):
    notebook.cells[4].outputs = [new_output("display_data", data={"image/png": "AAAA"})]


def run_twice(notebook):
    code(notebook)[3].execution_count = 17


def leave_one_exercise_open(notebook):
    replace("checks.that(answer)", "answer")(notebook)
    replace("15 minutes\nDo.", "15 minutes\nThere is no check.")(notebook)


def store_nothing(notebook):
    for cell in code(notebook):
        cell.outputs = []


BROKEN = [
    (header, replace("# 01 · A title", "# A title"), "title"),
    (header, replace("This lesson shows how letters become numbers for a net.", ""), "promise"),
    (header, replace("5 minutes |", "? minutes |"), "Reading"),
    (header, replace("| **Run time** | 5 s |\n", ""), "Run time"),
    (header, replace("a lot", ""), "Gives"),
    (sections, replace("## Next", "## Then"), "Next"),
    (sections, move_last_section_up, "order"),
    (objectives, replace("- explain it\n", ""), "found 2"),
    (objectives, replace("- explain", "- understand"), "understand"),
    (objectives, replace("## Objectives", "## Aims"), "found 0"),
    (folds, replace("</details>\n", "", 1), "end"),
    (folds, replace("Because.", ""), "empty"),
    (folds, replace("</summary>\n\n", "</summary>\n"), "blank line"),
    (folds, replace(3 * FOLDED.format("Answer"), 2 * FOLDED.format("Answer")), "found 2"),
    (exercises, replace("### 2.", "2."), "found 1"),
    (exercises, replace(" · ●○○", ""), "difficulty"),
    (exercises, replace(" · 15 minutes", ""), "minutes"),
    (exercises, replace("<summary>Hint", "<summary>Help"), "folded hint"),
    (exercises, replace("<summary>Solution", "<summary>Help"), "folded solution"),
    (exercises, replace("checks.that(answer)", "answer"), "checks."),
    (exercises, leave_one_exercise_open, "at least two checked"),
    (summary, replace("- two\n", ""), "found 2"),
    (quiz, replace("Which?", "Which.", 1), "found 2"),
    (quiz, replace(3 * ("Which?\n\n" + FOLDED.format("Answer")), "Which?\n\n" + FOLDED.format("Answer")), "answers 1"),
    (lengths, replace("print(3)", "print(3)\n" * 21), "21 lines"),
    (lengths, replace("More.", "More.\n" * 21), "22 lines"),
    (lengths, replace("print(", "1\n2\n3\n4\nprint("), "median"),
    (executed, run_twice, "fresh kernel"),
    (executed, lambda notebook: notebook.cells.append(new_code_cell("")), "empty"),
    (executed, store_nothing, "no outputs"),
    (executed, output(4, new_output("error", ename="ValueError", evalue="", traceback=[])), "ValueError"),
    (figures, bare_figure, "bare image/png"),
    (figures, output(3, html(PICTURE.replace(ALT, "A line."))), "without a description"),
    (figures, output(3, html(PICTURE.replace("alt", "title"))), "without a description"),
    (figures, output(3, html("no picture")), "stores no described picture"),
    (figures, replace("A paper.", "![tree](tree.png)"), "prose"),
    (figures, replace("A paper.", '<img src="tree.png">'), "prose"),
    (forbidden, replace("print(2)", "!pip install x"), "pip"),
    (forbidden, replace("print(2)", "%pip install x"), "pip"),
    (forbidden, replace("print(2)", "sys.path.append('..')"), "sys.path"),
    (forbidden, replace("print(2)", "plt.show()"), "plt.show"),
    (forbidden, replace("print(2)", "# NBVAL_SKIP\nprint(2)"), "NBVAL"),
    (tags, tag(5, "nbval-skip"), "nbval-skip"),
    (tags, tag(5, "raises-exception"), "raises-exception"),
    (tags, tag(5, "nbval-ignore-output"), "neither trains"),
    (tags, replace("assert history", "history"), "asserts"),
    (tags, lambda notebook: notebook.cells.insert(13, new_markdown_cell("Words.")), "asserts"),
    (tags, drop(5), "one in ten"),
    (labels, replace("**Measured here.**", "Measured here."), "Measured here"),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_complaint_about_a_good_lesson(rule):
    arguments = [good_lesson()] + ([{"time step"}] if rule is terms else [])
    assert rule(*arguments) == []


@pytest.mark.parametrize(
    ("rule", "spoil", "said"), BROKEN, ids=[f"{i}-{rule.__name__}" for i, (rule, *_) in enumerate(BROKEN)]
)
def test_a_broken_lesson_is_complained_about(rule, spoil, said):
    before = good_lesson()
    after = copy.deepcopy(before)
    spoil(after)
    assert after != before, "this way to break the lesson changes nothing"
    complaints = " | ".join(rule(after))
    assert said in complaints


def test_a_term_without_an_entry_is_complained_about():
    assert terms(good_lesson(), glossary_entries("**Batch**: many.\n**Time\nstep**: one.")) == [
        "the glossary has no entry 'time step'"
    ]
    assert terms(good_lesson(), glossary_entries("- **Time step** (T): one observation.")) == []
