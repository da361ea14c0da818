"""The teacher's pack: minutes add up, links work, every question has one right answer, and what is claimed is computed."""

import importlib
import json
import math
import re
from functools import cache
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from lib import plots
from lib.data import Vocabulary, make_windows
from lib.layers import BatchNorm1d, FlattenConsecutive
from lib.models import trained_model
from lib.sampling import sample_names
from lib.sound import mu_law_encode
from lib.streams import make_stream
from lib.training import FAST
from lib.wavenet import CausalConv1d, Queues, WaveNet, dilated_receptive_field, sequence_loss
from tests.links import broken_links, links, prose

pytestmark = pytest.mark.classroom
COURSE = Path(__file__).resolve().parents[2] / "notebooks" / "assignments"
PAGES = {
    name: (COURSE / f"{name}.md").read_text(encoding="utf-8") for name in ("teaching", "quizzes", "misconceptions")
}
LESSONS = sorted(COURSE.parent.glob("[0-9][0-9]_*.ipynb"))
SOURCES = sorted(path for path in COURSE.glob("source/*/*.ipynb") if path.stem == path.parent.name)
by_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name[:2])
by_source = pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem[:3])


def parts(text, mark):
    """The parts of a page below its headings of one level, by heading."""
    split = re.split(rf"^{mark} (.+)$", text, flags=re.MULTILINE)
    return dict(zip(split[1::2], split[2::2], strict=True))


def lesson_of(number):
    """The lesson of a question or card: 10.2 is of lesson 10."""
    return number.split(".")[0].zfill(2)


@cache
def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def header(path):
    """The table at the beginning of a notebook."""
    text = "\n".join("".join(cell["source"]) for cell in cells(path)[:10] if cell["cell_type"] == "markdown")
    return dict(re.findall(r"^\| \*\*(.+?)\*\* \| (.+?) \|$", text, re.MULTILINE))


@pytest.mark.parametrize("name", PAGES)
def test_links_work(name):
    assert len(links(PAGES[name])) > 20
    assert broken_links(COURSE / f"{name}.md") == []


def test_broken_links_are_reported():
    text = "[a](gone.md) [b](../01_embedding.ipynb#Gone) [c `x`](quizzes.md#gone) [d](#here) [e](grading.md) `[f](g)`"
    expected = ["gone.md", "../01_embedding.ipynb#Gone", "quizzes.md#gone", "#here"]
    assert broken_links(COURSE / "grading.md", text) == expected


# --- plans ---------------------------------------------------------------------------------------------------------------

PLANS = {title[:2]: text for title, text in parts(PAGES["teaching"], "###").items() if re.match(r"\d\d · ", title)}


def test_every_lesson_has_a_plan():
    assert list(PLANS) == [path.name[:2] for path in LESSONS]


@pytest.mark.parametrize("number", PLANS)
def test_minutes_of_a_plan_add_up(number):
    rows = re.findall(r"^\| *([\d–]+) *\| *([\d–]+) *\| .+? \| *(.+?) *\|$", PLANS[number], re.MULTILINE)
    rows = [(int(a.replace("–", "0")), int(b.replace("–", "0")), where) for a, b, where in rows if where != "where"]
    assert (sum(row[0] for row in rows), sum(row[1] for row in rows)) == (50, 90)
    for short, long, where in rows:
        assert long >= max(short, 1) or "quizzes" in where, f"longer in the shorter class: {where}"
        assert f"../{number}_" in where or "quizzes.md" in where
    assert "Homework after 50" in PLANS[number] and "After 90" in PLANS[number]


@pytest.mark.parametrize("number", PLANS)
def test_votes_of_a_plan_are_questions_about_its_lesson(number):
    (vote,) = re.findall(r"Vote: (.+?) \|", PLANS[number])
    asked = set(re.findall(r"\d+\.\d", vote))
    assert asked and asked <= {question for question in QUESTIONS if lesson_of(question) == number}


@by_lesson
def test_minutes_of_a_lesson_match_its_header(path):
    (row,) = re.findall(rf"^\| \[{path.stem}\]\(.+?\) \| (\d+) \| (\d+) \|", PAGES["teaching"], re.MULTILINE)
    reading = int(re.match(r"\d+", header(path)["Reading"])[0])
    assert abs(int(row[0]) - reading) <= 3, f"the lesson takes {reading} minutes to read now: does its plan still fit?"
    assert int(row[1]) == sum(map(int, re.findall(r"^### \d\. .+ · (\d+) minutes", prose(path), re.MULTILINE)))
    assert int(re.match(r"\d+", header(path)["Run time"])[0]) <= 75, (
        "the pack says that a lesson runs in about a minute"
    )


# --- assignments ---------------------------------------------------------------------------------------------------------


@by_source
def test_minutes_and_points_of_an_assignment_match_its_notebook(path):
    link = rf"\[{path.stem[:3]}\]\(source/{path.stem}/{path.stem}\.ipynb\)"
    (minutes,) = re.findall(rf"^\|.*\| {link} \| (\d+) \|$", PAGES["teaching"], re.MULTILINE)
    assert minutes == header(path)["Minutes"]
    (row,) = re.findall(rf"^\| {link} \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", PAGES["teaching"], re.MULTILINE)
    predict, implement, fix, explain, total = map(int, row)
    points = [int(number) for number in re.findall(r"^## \d+\. .+ · (\d+) points", prose(path), re.MULTILINE)]
    assert (predict, explain, total) == (points[0], points[-1], int(header(path)["Points"]))
    assert predict + implement + fix + explain == total == sum(points)


@by_source
def test_the_lesson_links_to_its_assignment(path):
    (lesson,) = COURSE.parent.glob(f"{path.stem[1:3]}_*.ipynb")
    assert f"(assignments/source/{path.stem}/{path.stem}.ipynb)" in prose(lesson)
    stated = re.search(r"with (\w+) exercises\.", prose(lesson).split(path.stem)[-1])[1]
    exercises = len(re.findall(r"^## \d+\. ", prose(path), re.MULTILINE))
    assert stated == {4: "four", 5: "five", 6: "six", 7: "seven"}[exercises]


# --- misconceptions ------------------------------------------------------------------------------------------------------

CARDS = {title.split()[0]: text for title, text in parts(PAGES["misconceptions"], "###").items()}


def row(number, name):
    """One row of a card's table."""
    return re.search(rf"^\| {name} \| (.+) \|$", CARDS[number], re.MULTILINE)[1]


@cache
def names_of(assignment):
    """The names of all mistakes that an assignment's checks report, except general ones."""
    exercises = importlib.import_module(f"classroom.assignments.{assignment}").EXERCISES.values()
    questions = [question for exercise in exercises for question in getattr(exercise, "questions", {}).values()]
    return {mistake.name for one in [*exercises, *questions] for mistake in getattr(one, "mistakes", ())}


@cache
def printed(path):
    """Everything that a lesson's cells print or show as text, with single blanks."""
    outputs = [output for cell in cells(path) for output in cell.get("outputs", [])]
    texts = [[*output.get("text", ""), *output.get("data", {}).get("text/plain", "")] for output in outputs]
    return " ".join("".join("".join(text) for text in texts).split())


def test_at_least_two_cards_per_lesson():
    counts = {path.name[:2]: sum(lesson_of(number) == path.name[:2] for number in CARDS) for path in LESSONS}
    assert min(counts.values()) >= 2, counts


@pytest.mark.parametrize("number", CARDS)
def test_a_card_is_complete_and_names_mistakes_of_the_report(number):
    rows = re.findall(r"^\| (.+?) \| .+ \|$", CARDS[number], re.MULTILINE)
    assert rows[-4:] == ["Tempting, because", "Dispelled by", "Ask", "In the report"]
    assert f"../{lesson_of(number)}_" in row(number, "Dispelled by") and "?" in row(number, "Ask")
    names = re.findall(r"`([^`]+)` \((a\d\d)\)", row(number, "In the report"))
    assert names or row(number, "In the report") == "none"
    assert [(name, assignment) for name, assignment in names if name not in names_of(assignment)] == []


@pytest.mark.parametrize("number", CARDS)
def test_a_card_quotes_what_the_lesson_prints(number):
    (path,) = COURSE.parent.glob(f"{lesson_of(number)}_*.ipynb")
    _, *after = re.split(r"prints? ", row(number, "Dispelled by"), maxsplit=1)
    quotes = re.findall(r"`([^`]+)`", re.sub(r"\]\(.+?\)", "", "".join(after)))
    quotes = [" ".join(quote.replace("\\|", "|").split()) for quote in quotes]
    assert [quote for quote in quotes if quote not in printed(path)] == []


# --- quiz bank -----------------------------------------------------------------------------------------------------------


def questions(text):
    """Number of a question to its text, options by letter, right letters and answer."""
    split = re.split(r"^\*\*(\d+\.\d)\*\* ", text, flags=re.MULTILINE)
    asked = {}
    for number, body in zip(split[1::2], split[2::2], strict=True):
        options = dict(re.findall(r"^- ([a-d])\) (.+)$", body, re.MULTILINE))
        (answer,) = re.findall(r"<details><summary>Answer</summary>\n\n(.+?)\n\n</details>", body, re.DOTALL)
        asked[number] = (body.split("\n- a)")[0], options, re.findall(r"\*\*([a-d])\.\*\*", answer), answer)
    return asked


QUESTIONS = questions(PAGES["quizzes"])


@pytest.mark.parametrize("number", QUESTIONS)
def test_one_right_answer_and_a_reason_for_each_wrong_one(number):
    _, options, right, answer = QUESTIONS[number]
    assert list(options) == list("abcd") and len(set(options.values())) == 4
    assert len(right) == 1 and answer.startswith(f"**{right[0]}.**")
    reasons = re.findall(r"(?:^|(?<=\. ))\*([a-d])\*[: ][^*]{9,}", answer)
    assert reasons == [letter for letter in "abcd" if letter != right[0]]


def test_at_least_five_questions_per_lesson_and_no_favourite_letter():
    counts = {path.name[:2]: sum(lesson_of(number) == path.name[:2] for number in QUESTIONS) for path in LESSONS}
    assert min(counts.values()) >= 5, counts
    letters = [right[0] for _, _, right, _ in QUESTIONS.values()]
    assert min(letters.count(letter) for letter in "abcd") > len(letters) / 8


def test_no_question_is_in_a_lesson():
    asked = [re.sub(r"\W+", " ", text.split(" ([")[0]) for text, *_ in QUESTIONS.values()]
    lessons = " ".join(re.sub(r"\W+", " ", "".join(cell["source"])) for path in LESSONS for cell in cells(path))
    assert [question for question in asked if question in lessons] == []


ALPHABET = Vocabulary(["abcdefghijklmnopqrstuvwxyz"])


def windows(name, context=8):
    return make_windows([name], ALPHABET, context=context)[0]


def rows_with_gradient(name):
    layer = torch.nn.Embedding(len(ALPHABET), 10)
    layer(windows(name)).square().sum().backward()
    return int((layer.weight.grad.abs().sum(1) > 0).sum())


def by_batchnorm(values):
    return BatchNorm1d(1, eps=1e-12)(torch.tensor(values)[:, None])[0, 0].item()


def running_mean(batches):
    layer = BatchNorm1d(1)
    for mean in batches:
        layer(torch.tensor([[mean - 1.0], [mean + 1.0]]))
    return layer.running_mean.item()


def without_keepdim():
    x = torch.randn(4, 4, 16)
    without, kept = x - x.mean(1), x - x.mean(1, keepdim=True)
    assert without.shape == kept.shape and not torch.allclose(without, kept)
    return "No error, and wrong numbers"


def for_torchs_batchnorm():
    """Which of the options gives the same as lib's layer."""
    h = torch.randn(32, 4, 16)
    expected, layer, right = BatchNorm1d(16)(h), torch.nn.BatchNorm1d(16), []
    for text in ("h", "h.view(32, 16, 4)", "h.transpose(1, 2)", "h.flatten(1)"):
        try:
            out = layer(eval(text))
        except (RuntimeError, ValueError):
            continue
        right += [f"`{text}`"] * torch.allclose(out.transpose(1, 2), expected, atol=1e-5)
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
    # Two characters; the first is the target.
    logits = torch.stack([-surprise, (1 - (-surprise).exp()).log()], dim=1)[None]
    return sequence_loss(logits, targets).item()


def seen_with(dilations):
    x = torch.randn(1, 1 + sum(dilations), 4, requires_grad=True)
    net = torch.nn.Sequential(*[CausalConv1d(4, 4, dilation=dilation) for dilation in dilations])
    net(x)[0, -1].sum().backward()
    return int((x.grad[0].abs().sum(1) > 0).sum())


def latest_seen_with_same(dilations, output):
    x = torch.randn(1, 4, 40, requires_grad=True)
    net = torch.nn.Sequential(*[torch.nn.Conv1d(4, 4, 3, padding="same", dilation=d) for d in dilations])
    net(x)[0, :, output].square().sum().backward()
    return int(x.grad[0].abs().sum(0).nonzero().max())


def held_in_queues(dilations):
    state = Queues(WaveNet(27, 4, dilations), batch_size=1).state_dict()
    leaves = torch.utils._pytree.tree_leaves(state)
    queues = [leaf for leaf in leaves if torch.is_tensor(leaf) and leaf.ndim == 3]
    assert len(queues) == len(dilations)
    return sum(queue.numel() // 4 for queue in queues)


def columns(dilations):
    net = WaveNet(27, 4, dilations)
    net(torch.zeros(1, net.receptive_field, dtype=torch.int64))
    return sum(layer.out.shape[1] for layer in net.layers)


def bits_of_coins(coins, samples):
    coin = torch.tensor([0.5, 0.5])
    return coins * -(coin * coin.log2()).sum().item() / samples


def multinomial_shape():
    drawn = torch.multinomial(torch.full((32, 27), 1 / 27), 1)
    assert drawn.dtype == torch.int64
    return f"whole numbers of shape {tuple(drawn.shape)}"


def darts(row, u):
    return int((torch.tensor(row).cumsum(0) <= u).sum())


def number(value, form="{}"):
    return form.format(value).replace("-", "−")


# The text of the right option, computed. For the others see the lesson.
COMPUTED = {
    "1.1": lambda: number((windows("ava", context=5) == 0).sum().item()),
    "1.2": lambda: str(
        tuple((F.one_hot(torch.zeros(32, 8, dtype=torch.int64), 27).float() @ torch.ones(27, 10)).shape)
    ),
    "1.3": lambda: number(rows_with_gradient("anna")),
    "1.4": lambda: number(F.cross_entropy(torch.zeros(1, 65), torch.tensor([3])).item(), "{:.2f}"),
    "2.1": flatten_order,
    "2.2": lambda: str(tuple(torch.randn(1, 8, 10).view(1, 1, 80).squeeze().shape)),
    "2.3": lambda: number(3 * sum(p.numel() for p in FlattenConsecutive(2).parameters())),
    "2.4": lambda: f"`{plots.ladder_rows('.charlie', (4, 2))[1][1]}`",
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
    "5.6": lambda: number(len(set(sample_names(*trained_model(), 50, temperature=0)))),
    "6.3": lambda: number(math.hypot(0.003, 0.003), "{:.4f}"),
    "6.4": lambda: number(20 * 0.05, "{:.0f}"),
    "7.1": lambda: number(3 * (5 + 1)),
    "7.2": lambda: number(dilated_receptive_field(3, (1, 2, 4))),
    "7.4": lambda: number(seen_with((1, 3))),
    "8.2": lambda: number(WaveNet(27, 32, (1,)).layers[0].conv(torch.zeros(1, 5, 32)).shape[-1]),
    "8.3": lambda: number(masked(), "{:.2f}"),
    "8.4": lambda: number(sum(p.numel() for p in WaveNet(27, 10, (1,)).layers[0].conv.parameters())),
    "8.6": lambda: number(WaveNet(27, 4, (1, 2, 4, 8))(torch.zeros(1, 40, dtype=torch.int64)).shape[1]),
    "9.2": lambda: number(latest_seen_with_same((1, 2, 4), 10)),
    "10.1": lambda: number(held_in_queues((1, 2, 4, 8))),
    "10.4": lambda: number(columns((1, 2, 4, 8))),
    "10.6": lambda: number(
        sum(layer.condition.weight.numel() for layer in WaveNet(27, 64, (1, 2, 4), conditions=10).layers), "{:,}"
    ),
    "11.1": lambda: number(mu_law_encode(torch.zeros(1)).item()),
    "11.2": lambda: number(bits_of_coins(250, 1_000), "{:.2f}"),
    "11.3": lambda: number(
        next(n for n in range(1, 99) if dilated_receptive_field(2, [2**i for i in range(n)]) >= 300)
    ),
    "11.4": lambda: number(10 ** (-20 / 10)),
    "11.6": lambda: number(1_000 * 1_024 / 8_000, "{:.0f} ms"),
    "12.1": lambda: number(sum(part.nbytes for part in make_windows(["ava"], ALPHABET, 16)) // 4),
    "12.2": lambda: str(make_stream(["ann", "eva"], ALPHABET, 4).windows(torch.tensor([6]))[0][0].tolist()),
    "12.4": lambda: number(16 * 50, "{} MB"),
    "12.6": lambda: number(130 + 200 - 100),
}


@pytest.mark.parametrize("name", COMPUTED)
def test_the_right_answer_equals_the_computed_one(name):
    _, options, right, _ = QUESTIONS[name]
    assert options[right[0]] == COMPUTED[name]()
