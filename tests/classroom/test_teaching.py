"""The teacher's pack: minutes sum, links lead somewhere, every question has one right answer, and what is claimed is computed."""

import importlib
import json
import math
import re
import urllib.parse
from functools import cache
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from lib import plots
from lib.data import Vocabulary, make_windows
from lib.layers import BatchNorm1d, FlattenConsecutive
from lib.training import FAST
from lib.wavenet import CausalConv1d, Queues, WaveNet, dilated_receptive_field, sequence_loss

COURSE = Path(__file__).resolve().parents[2] / "notebooks" / "assignments"
PAGES = {
    name: (COURSE / f"{name}.md").read_text(encoding="utf-8") for name in ("teaching", "quizzes", "misconceptions")
}
LESSONS = sorted(COURSE.parent.glob("[0-9][0-9]_*.ipynb"))
SOURCES = sorted(path for path in COURSE.glob("source/*/*.ipynb") if path.stem == path.parent.name)


@cache
def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def source(cell):
    return "".join(cell["source"])


@cache
def titles(path):
    """The headings of a notebook, or of a Markdown page, as links name them."""
    if path.suffix == ".ipynb":
        texts = [source(cell) for cell in cells(path) if cell["cell_type"] == "markdown"]
        found = re.findall(r"^#{1,4} (.+?)\s*$", "\n\n".join(texts), re.MULTILINE)
        return {re.sub(r"[`*]", "", title).replace(" ", "-") for title in found}
    found = re.findall(r"^#{1,4} (.+?)\s*$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in found}  # as a code host makes them


def links(text):
    return re.findall(r"\[[^\]]*?(?:`[^`]*`[^\]]*?)*\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def broken(text, here):
    """Links that lead to no file, or to no heading of it."""
    found = []
    for link in links(text):
        file, _, anchor = urllib.parse.unquote(link).partition("#")
        path = (COURSE / file).resolve() if file else here
        if not path.exists() or (anchor and anchor not in titles(path)):
            found.append(link)
    return found


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name):
    assert len(links(PAGES[name])) > 20
    assert broken(PAGES[name], COURSE / f"{name}.md") == []


def test_broken_links_are_found():
    text = "[a](gone.md) [b](../01_embedding.ipynb#Gone) [c](../01_embedding.ipynb#Names) [d](#here) [e](grading.md)"
    assert broken(text, COURSE / "grading.md") == ["gone.md", "../01_embedding.ipynb#Gone", "#here"]


def parts(text, mark):
    """A page cut at its headings of one level: title to text."""
    found = re.split(rf"^{mark} (.+)$", text, flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


# --- plans ---------------------------------------------------------------------------------------------------------------


def plan(text):
    """The rows of a plan's table: minutes of 50, minutes of 90 (0 for a dash), what, where."""
    rows = re.findall(r"^\| *([\d–]+) *\| *([\d–]+) *\| *(.+?) *\| *(.+?) *\|$", text, re.MULTILINE)
    return [
        (int(a.replace("–", "0")), int(b.replace("–", "0")), what, where)
        for a, b, what, where in rows
        if what != "in class"
    ]


PLANS = {title[:2]: text for title, text in parts(PAGES["teaching"], "###").items() if re.match(r"\d\d · ", title)}


def test_every_lesson_has_a_plan():
    assert list(PLANS) == [path.name[:2] for path in LESSONS]


@pytest.mark.parametrize("number", PLANS)
def test_minutes_of_a_plan_sum(number):
    rows = plan(PLANS[number])
    assert (sum(row[0] for row in rows), sum(row[1] for row in rows)) == (50, 90)
    assert all(row[1] >= max(row[0], 1) or "quizzes" in row[3] for row in rows), (
        "a section is longer in the shorter class"
    )
    assert all(f"../{number}_" in where or "quizzes.md" in where for *_, where in rows)


@pytest.mark.parametrize("number", PLANS)
def test_a_plan_says_what_is_homework(number):
    assert "Homework after 50" in PLANS[number] and "After 90" in PLANS[number]


@pytest.mark.parametrize("number", PLANS)
def test_votes_of_a_plan_are_questions_of_the_lesson(number):
    (vote,) = re.findall(r"Vote: (.+?) \|", PLANS[number])
    asked = set(re.findall(r"\d\.\d", vote))
    assert asked and asked <= {question for question in QUESTIONS if question[0] == number[1]}


def header(path):
    return dict(re.findall(r"^\| \*\*(.+?)\*\* \| (.+?) \|$", source(cells(path)[0]), re.MULTILINE))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name[:2])
def test_minutes_are_those_of_the_lesson(path):
    (row,) = re.findall(rf"^\| \[{path.stem}\]\(.+?\) \| (\d+) \| (\d+) \|", PAGES["teaching"], re.MULTILINE)
    reading = int(re.match(r"\d+", header(path)["Reading"])[0])
    assert abs(int(row[0]) - reading) <= 3, f"the lesson takes {reading} minutes to read now: does its plan still fit?"
    text = "\n".join(source(cell) for cell in cells(path) if cell["cell_type"] == "markdown")
    assert int(row[1]) == sum(map(int, re.findall(r"^### \d\. .+ · (\d+) minutes", text, re.MULTILINE)))
    assert int(re.match(r"\d+", header(path)["Run time"])[0]) <= 75, (
        "the pack says that a lesson runs in about a minute"
    )


# --- assignments ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem[:3])
def test_minutes_and_points_of_an_assignment(path):
    link = rf"\[{path.stem[:3]}\]\(source/{path.stem}/{path.stem}\.ipynb\)"
    (minutes,) = re.findall(rf"^\|.*\| {link} \| (\d+) \|$", PAGES["teaching"], re.MULTILINE)
    assert minutes == header(path)["Minutes"]
    (row,) = re.findall(rf"^\| {link} \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", PAGES["teaching"], re.MULTILINE)
    predict, implement, mend, explain, total = map(int, row)
    text = "\n".join(source(cell) for cell in cells(path) if cell["cell_type"] == "markdown")
    points = [int(found) for found in re.findall(r"^## \d+\. .+ · (\d+) points", text, re.MULTILINE)]
    assert (predict, explain, total) == (points[0], points[-1], int(header(path)["Points"]))
    assert predict + implement + mend + explain == total == sum(points)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem[:3])
def test_the_lesson_links_to_its_assignment(path):
    (lesson,) = COURSE.parent.glob(f"{path.stem[1:3]}_*.ipynb")
    text = "\n".join(source(cell) for cell in cells(lesson) if cell["cell_type"] == "markdown")
    assert f"(assignments/source/{path.stem}/{path.stem}.ipynb)" in text
    counted = re.search(r"with (\w+) exercises\.", text.split(path.stem)[-1])[1]
    exercises = sum(len(re.findall(r"^## \d+\. ", source(cell), re.MULTILINE)) for cell in cells(path))
    assert counted == {4: "four", 5: "five", 6: "six", 7: "seven"}[exercises]


# --- misconceptions ------------------------------------------------------------------------------------------------------

CARDS = {title.split()[0]: text for title, text in parts(PAGES["misconceptions"], "###").items()}


def names_of(assignment):
    """The names of all mistakes that an assignment's checks can tell, general ones left out."""
    exercises = importlib.import_module(f"classroom.checks{assignment[1:]}").EXERCISES
    listed = []
    for exercise in exercises.values():
        listed += getattr(exercise, "mistakes", ())
        for question in getattr(exercise, "questions", {}).values():
            listed += question.mistakes
    return {mistake.name for mistake in listed}


def test_at_least_two_cards_a_lesson():
    counts = {path.name[1]: sum(number[0] == path.name[1] for number in CARDS) for path in LESSONS}
    assert min(counts.values()) >= 2, counts


@pytest.mark.parametrize("number", CARDS)
def test_a_card_is_complete(number):
    rows = dict(re.findall(r"^\| (.+?) \| (.+) \|$", CARDS[number], re.MULTILINE))
    assert list(rows)[-4:] == ["Tempting, because", "Dispelled by", "Ask", "In the report"]
    assert f"../0{number[0]}_" in rows["Dispelled by"] or "source/a0" in rows["Dispelled by"]
    assert "?" in rows["Ask"]


@pytest.mark.parametrize("number", CARDS)
def test_names_of_a_card_are_names_of_the_report(number):
    (row,) = re.findall(r"^\| In the report \| (.+) \|$", CARDS[number], re.MULTILINE)
    found = re.findall(r"`([^`]+)` \((a\d\d)\)", row)
    assert found or row == "none"
    assert [(name, assignment) for name, assignment in found if name not in names_of(assignment)] == []


def printed(path):
    """Everything that a lesson's cells print or show as text, blanks evened out."""
    texts = []
    for cell in cells(path):
        for output in cell.get("outputs", []):
            texts.append("".join(output.get("text", "")) + "".join(output.get("data", {}).get("text/plain", "")))
    return " ".join("".join(texts).split())


@pytest.mark.parametrize("number", CARDS)
def test_a_card_quotes_what_the_lesson_prints(number):
    (row,) = re.findall(r"^\| Dispelled by \| (.+) \|$", CARDS[number], re.MULTILINE)
    (path,) = COURSE.parent.glob(f"0{number[0]}_*.ipynb")
    told = re.split(r"prints? ", row, maxsplit=1)
    quoted = [quote.replace("\\|", "|") for quote in re.findall(r"`([^`]+)`", re.sub(r"\]\(.+?\)", "", told[-1]))]
    quoted = [quote for quote in quoted if len(told) > 1 and quote not in ("shifted", "none")]
    missing = [quote for quote in quoted if " ".join(quote.split()) not in printed(path)]
    assert missing == []


# --- quiz bank -----------------------------------------------------------------------------------------------------------


def questions(text):
    """Number to (question, options by letter, right letter, text of the answer)."""
    found = re.split(r"^\*\*(\d\.\d)\*\* ", text, flags=re.MULTILINE)
    asked = {}
    for number, body in zip(found[1::2], found[2::2], strict=True):
        options = dict(re.findall(r"^- ([a-d])\) (.+)$", body, re.MULTILINE))
        (answer,) = re.findall(r"<details><summary>Answer</summary>\n\n(.+?)\n\n</details>", body, re.DOTALL)
        asked[number] = (body.split("\n- a)")[0], options, re.findall(r"\*\*([a-d])\.\*\*", answer), answer)
    return asked


def complaints(number, options, right, answer):
    found = [] if list(options) == list("abcd") else [f"{number}: options {list(options)}"]
    if len(set(options.values())) != len(options):
        found.append(f"{number}: two options are the same")
    if len(right) != 1 or not answer.startswith(f"**{right[0]}.**"):
        return [*found, f"{number}: right answers {right}"]
    reasons = re.findall(r"(?:^|(?<=\. ))\*([a-d])\*(?::| )([^*]{9,})", answer)
    wanted = [letter for letter in options if letter != right[0]]
    if [letter for letter, _ in reasons] != wanted:
        found.append(f"{number}: reasons for {[letter for letter, _ in reasons]}, wanted for {wanted}")
    return found


QUESTIONS = questions(PAGES["quizzes"])


@pytest.mark.parametrize("number", QUESTIONS)
def test_one_right_answer_and_a_reason_for_each_other(number):
    _, options, right, answer = QUESTIONS[number]
    assert complaints(number, options, right, answer) == []


def test_complaints_are_found():
    options = {"a": "1", "b": "2", "c": "3", "d": "4"}
    good = "**b.** Because it is so. *a* is one too few here. *c* is one too many here. *d* is two too many here."
    assert complaints("1.1", options, ["b"], good) == []
    assert complaints("1.1", options, ["b"], good.replace("*c* is one too many here. ", ""))
    assert complaints("1.1", options, ["b", "c"], good)
    assert complaints("1.1", {**options, "c": "2"}, ["b"], good)


def test_at_least_five_questions_a_lesson_and_no_pattern():
    counts = {path.name[1]: sum(number[0] == path.name[1] for number in QUESTIONS) for path in LESSONS}
    assert min(counts.values()) >= 5, counts
    letters = [right[0] for _, _, right, _ in QUESTIONS.values()]
    assert min(letters.count(letter) for letter in "abcd") > len(letters) / 8


def test_no_question_stands_in_a_lesson():
    asked = [re.sub(r"\W+", " ", text.split(" ([")[0]) for text, *_ in QUESTIONS.values()]
    lessons = " ".join(re.sub(r"\W+", " ", source(cell)) for path in LESSONS for cell in cells(path))
    assert [question for question in asked if question in lessons] == []


def window_tree(stages):
    return plots.ladder_rows(".charlie", stages)[1]


def rows_with_gradient(name):
    vocabulary = Vocabulary(["abcdefghijklmnopqrstuvwxyz"])
    layer = torch.nn.Embedding(len(vocabulary), 10)
    layer(make_windows([name], vocabulary)[0]).square().sum().backward()
    return int((layer.weight.grad.abs().sum(1) > 0).sum())


def padding_slots(name, context):
    vocabulary = Vocabulary(["abcdefghijklmnopqrstuvwxyz"])
    return int((make_windows([name], vocabulary, context=context)[0] == 0).sum())


def squeezed():
    x = torch.randn(1, 8, 10).view(1, 1, 80)
    return tuple(x.squeeze().shape)


def by_batchnorm(values):
    return BatchNorm1d(1, eps=1e-12)(torch.tensor(values)[:, None])[0, 0].item()


def running_mean(batches):
    layer = BatchNorm1d(1)
    for mean in batches:
        layer(torch.tensor([[mean - 1.0], [mean + 1.0]]))
    return layer.running_mean.item()


def without_keepdim():
    x = torch.randn(4, 4, 16)
    found, wanted = x - x.mean(1), x - x.mean(1, keepdim=True)
    assert found.shape == wanted.shape and not torch.allclose(found, wanted)
    return "No error, and wrong numbers"


def for_torchs_batchnorm():
    h = torch.randn(32, 4, 16)
    wanted, layer = BatchNorm1d(16)(h), torch.nn.BatchNorm1d(16)
    right = []
    for text, given in (
        ("`h`", h),
        ("`h.view(32, 16, 4)`", h.view(32, 16, 4)),
        ("`h.transpose(1, 2)`", h.transpose(1, 2)),
        ("`h.flatten(1)`", h.flatten(1)),
    ):
        try:
            out = layer(given)
        except (RuntimeError, ValueError):
            continue
        right += [text] * torch.allclose(out.transpose(1, 2), wanted, atol=1e-5)
    (text,) = right
    return text


def not_contiguous():
    x = torch.randn(8, 8, 10).transpose(0, 1)
    with pytest.raises(RuntimeError):
        x.view(8, 4, 20)
    return "A `RuntimeError`"


def flatten_order():
    first = FlattenConsecutive(2)(torch.arange(24).view(1, 4, 6))[0, 0].tolist()
    assert first == list(range(first[0], first[-1] + 1))
    return f"{first[0]} to {first[-1]}"


def masked():
    surprise, targets = torch.tensor([2.0, 1.0, 0.1, 0.1]), torch.tensor([[0, 0, -100, -100]])
    logits = torch.stack([-surprise, (1 - (-surprise).exp()).log()], dim=1)[
        None
    ]  # two characters, the first is the target
    return sequence_loss(logits, targets).item()


def seen_with(dilations):
    x = torch.randn(1, 1 + sum(dilations), 4, requires_grad=True)
    net = torch.nn.Sequential(*[CausalConv1d(4, 4, dilation=dilation) for dilation in dilations])
    net(x)[0, -1].sum().backward()
    return int((x.grad[0].abs().sum(1) > 0).sum())


def held_in_queues(dilations):
    state = Queues(WaveNet(27, 4, dilations), batch_size=1).state_dict()
    found = [
        tensor for tensor in torch.utils._pytree.tree_leaves(state) if torch.is_tensor(tensor) and tensor.ndim == 3
    ]
    assert len(found) == len(dilations)
    return sum(tensor.numel() // 4 for tensor in found)


def mu_law_of_silence():
    from lib.sound import mu_law_encode

    return int(mu_law_encode(torch.zeros(1)))


def bits_of_coins(coins, samples):
    coin = torch.tensor([0.5, 0.5])
    return coins * -(coin * coin.log2()).sum().item() / samples


def multinomial_shape():
    drawn = torch.multinomial(torch.full((32, 27), 1 / 27), 1)
    assert drawn.dtype == torch.int64
    return f"whole numbers of shape {tuple(drawn.shape)}"


def argmax_names():
    """How many different names the trained net writes, if it always takes the likeliest letter."""
    from lib.models import trained_model
    from lib.sampling import sample_names

    model, vocabulary = trained_model()
    return len(set(sample_names(model, vocabulary, 50, temperature=0)))


def darts(row, u):
    return int((torch.tensor(row).cumsum(0) <= u).sum())


def number(value, form="{}"):
    return form.format(value).replace("-", "−")


# The text of the right option, computed. What is not here rests on the lesson's words.
COMPUTED = {
    "1.1": lambda: number(padding_slots("ava", 5)),
    "1.2": lambda: str(
        tuple((F.one_hot(torch.zeros(32, 8, dtype=torch.int64), 27).float() @ torch.ones(27, 10)).shape)
    ),
    "1.3": lambda: number(rows_with_gradient("anna")),
    "1.4": lambda: number(F.cross_entropy(torch.zeros(1, 65), torch.tensor([3])).item(), "{:.2f}"),
    "2.1": flatten_order,
    "2.2": lambda: str(squeezed()),
    "2.3": lambda: number(3 * sum(p.numel() for p in FlattenConsecutive(2).parameters())),
    "2.4": lambda: f"`{window_tree((4, 2))[1]}`",
    "2.6": not_contiguous,
    "3.1": lambda: number(torch.zeros(16, 5, 12).numel() // torch.zeros(16, 5, 12).mean((0, 1)).numel()),
    "3.2": lambda: number(by_batchnorm([2.0, 4.0, 6.0, 8.0]), "{:.2f}"),
    "3.3": lambda: number(running_mean([4.0, 8.0]), "{:.2f}"),
    "3.4": without_keepdim,
    "3.6": for_torchs_batchnorm,
    "4.1": lambda: number(FAST.total_steps(10_000)),
    "4.2": lambda: number(-sum(p * math.log(p) for p in (0.5, 0.25, 0.25)), "{:.2f}"),
    "4.3": lambda: number(0.012 * (49 + 1) / 100, "{:.3g}"),
    "5.1": lambda: number(F.softmax(torch.tensor([8.0, 1.0, 1.0]).log() / 2, dim=0)[0].item(), "{:.2f}"),
    "5.2": multinomial_shape,
    "5.3": lambda: f"In {100 * 0.6 / (0.2 + 0.6):.0f} % of the draws",
    "5.4": lambda: ["The stop mark", "a", "e", "i"][darts([0.1, 0.4, 0.3, 0.2], 0.55)],
    "5.5": lambda: number(math.log(0.5 * 0.2 * 0.4), "{:.2f}"),
    "5.6": lambda: number(argmax_names()),
    "6.2": lambda: number(math.ceil((1.96 * 0.004 / 0.002) ** 2)),
    "6.3": lambda: number(math.hypot(0.003, 0.003), "{:.4f}"),
    "6.4": lambda: number(20 * 0.05, "{:.0f}"),
    "7.1": lambda: number(3 * (5 + 1)),
    "7.2": lambda: number(dilated_receptive_field(3, (1, 2, 4))),
    "7.4": lambda: number(seen_with((1, 3))),
    "8.2": lambda: number(WaveNet(27, 32, (1,)).layers[0].conv(torch.zeros(1, 5, 32)).shape[-1]),
    "8.3": lambda: number(masked(), "{:.2f}"),
    "8.4": lambda: number(held_in_queues((1, 2, 4, 8))),
    "9.1": lambda: number(mu_law_of_silence()),
    "9.2": lambda: number(bits_of_coins(250, 1_000), "{:.2f}"),
    "9.3": lambda: number(next(n for n in range(1, 99) if dilated_receptive_field(2, [2**i for i in range(n)]) >= 300)),
    "9.6": lambda: number(1_000 * 1_024 / 8_000, "{:.0f} ms"),
}


@pytest.mark.parametrize("name", COMPUTED)
def test_right_answer_is_what_is_computed(name):
    _, options, right, _ = QUESTIONS[name]
    assert options[right[0]] == COMPUTED[name]()
