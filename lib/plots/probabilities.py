"""The figures of lesson 05: probabilities of the next character, a dart, surprises, and a promise kept."""

import math
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from lib.data import STOP
from lib.plots.style import BLUE, GREY, INK, ORANGE, DescribedFigure, letter_colour, styled

LETTER = {"family": "monospace", "size": 12}
PALE, SOFT = "#D9D9D9", "#8C8C8C"


@styled
def heat_map(
    probs: Float[Tensor, "B V"], windows: Sequence[str], targets: Int[Tensor, "B"], letters: Sequence[str]
) -> DescribedFigure:
    """The probabilities after each window, one row per window; the character that came is framed.

    Args:
        probs: one row per window.
        windows: their characters.
        targets: the id that came after each.
        letters: the characters, in the order of their ids.
    """
    came = [
        f"{window}: {_spoken(letters[i])} {100 * row[i]:.0f} %" for window, row, i in _rows(windows, probs, targets)
    ]
    alt = (
        "The framed cell of each row is the character that came next, with its probability in %. Heat map: one row for "
        f"each of the windows {windows[0]} to {windows[-1]}, one column for each next character, darker for more probable. "
        "The first row is spread over many letters, the rows below have one to three dark cells. The framed cells: "
        f"{'; '.join(came)}."
    )
    fig = DescribedFigure(alt, figsize=(7.2, 3.3), layout="constrained")
    ax = fig.subplots()
    image = ax.imshow((100 * probs).numpy(), cmap="Blues", aspect="auto", vmin=0)
    for y, (_, row, i) in enumerate(_rows(windows, probs, targets)):
        ax.add_patch(Rectangle((i - 0.5, y - 0.5), 1, 1, fill=False, edgecolor=ORANGE, linewidth=2.2))
        ax.text(i, y, f"{100 * row[i]:.0f}", ha="center", va="center", size=9, color="white" if row[i] > 0.4 else INK)
    ax.set_xticks(range(len(letters)), letters, **LETTER)
    ax.set_yticks(range(len(windows)), windows, **LETTER)
    ax.set(xlabel="next character", ylabel="window")
    ax.set_title("Each row is one question: what comes next?", fontsize=12)
    fig.colorbar(image, label="probability, %")
    return fig


@styled
def dart(probs: Float[Tensor, "V"], u: float, letters: Sequence[str]) -> DescribedFigure:
    """The line from 0 to 1, cut into intervals as wide as the probabilities, and a dart at u.

    Args:
        probs: one row, with the sum 1.
        u: where the dart lands, from 0 up to but not including 1.
        letters: the characters, in the order of their ids.
    """
    ends = probs.cumsum(dim=0)
    hit = int((ends <= u).sum())
    alt = (
        f"A strip from 0 to 1, cut into one interval per character, in the order of the ids, each as wide as its "
        f"probability. An arrow, the dart at u = {u:.2f}, points at the interval of {_spoken(letters[hit])}, which "
        f"ends at {ends[hit]:.2f}; it is coloured."
    )
    fig = DescribedFigure(alt, figsize=(7.2, 1.9), layout="constrained")
    ax = fig.subplots()
    colours = [ORANGE if i == hit else PALE if i % 2 else "white" for i in range(len(letters))]
    ax.barh(0, probs.tolist(), left=(ends - probs).tolist(), color=colours, edgecolor=INK, linewidth=0.8)
    for letter, end, p in zip(letters, ends.tolist(), probs.tolist(), strict=True):
        if p > 0.012:
            ax.text(end - p / 2, 0, letter, ha="center", va="center", **LETTER)
    look = {"arrowstyle": "-|>", "color": INK}
    ax.annotate(f"u = {u:.2f}", (u, 0.42), (u, 1.05), ha="center", va="center", size=11, arrowprops=look)
    ax.set(xlim=(0, 1), ylim=(-0.45, 1.25), yticks=[], xlabel="cumulative probability")
    ax.set_title("A wide interval is hit often", fontsize=12)
    ax.spines[["top", "left", "right"]].set_visible(False)
    return fig


@styled
def bars(
    panels: Mapping[str, Float[Tensor, "V"]],
    letters: Sequence[str],
    title: str,
    chosen: str = "",
    reference: Float[Tensor, "V"] | None = None,
) -> DescribedFigure:
    """Distributions of the next character, one below the other, the likeliest three and the chosen one with their percentages.

    Args:
        panels: the probabilities by the panel's title.
        letters: the characters, in the order of their ids.
        title: the message.
        chosen: the character whose bar is coloured.
        reference: a distribution drawn pale behind each panel.
    """
    found = [f"{name}: {_likeliest(probs, letters, chosen)}".removeprefix(": ") for name, probs in panels.items()]
    many = "Bar charts of the next character's probability, one below the other"
    alt = f"{title}. {many if len(panels) > 1 else 'Bar chart of the probability of the next character'}. "
    alt += ". ".join(found) + "."
    if reference is not None:
        alt += f" Pale behind each: {_likeliest(reference, letters)}."
    fig = DescribedFigure(alt, figsize=(6.8, 0.7 + 1.45 * len(panels)), layout="constrained")
    fig.suptitle(title, fontsize=12)
    axes = fig.subplots(len(panels), 1, sharey=True, squeeze=False)[:, 0]
    for ax, (name, probs) in zip(axes, panels.items(), strict=True):
        _panel(ax, 100 * probs, letters, chosen, None if reference is None else 100 * reference)
        ax.set_title(name, fontsize=11, loc="right", y=0.8)
    top = max(float(probs.max()) for probs in panels.values())
    axes[0].set_ylim(0, 118 * top)
    fig.supylabel("probability, %", fontsize=11)
    return fig


def _panel(
    ax: Axes, heights: Float[Tensor, "V"], letters: Sequence[str], chosen: str, behind: Float[Tensor, "V"] | None
) -> None:
    places = range(len(letters))
    if behind is not None:
        ax.bar(places, behind.tolist(), width=0.9, color="#DDDDDD")
    colours = [letter_colour(chosen) if letter == chosen else SOFT for letter in letters]
    drawn = ax.bar(places, heights.tolist(), width=0.6, color=colours)
    top = heights.topk(3).indices.tolist()
    texts = [
        f"{h:.0f}" if h >= 0.5 and (i in top or letters[i] == chosen) else "" for i, h in enumerate(heights.tolist())
    ]
    ax.bar_label(drawn, texts, padding=1, fontsize=10)
    ax.set_xticks(places, letters, **LETTER)
    ax.set_xlim(-0.7, len(letters) - 0.3)
    ax.spines[["top", "right"]].set_visible(False)


@styled
def surprises(name: str, values: Float[Tensor, "L"]) -> DescribedFigure:
    """The surprise of each character of a name, the stop mark last.

    Args:
        name: its letters.
        values: one surprise per letter and one for the stop mark, in nats.
    """
    text = name + STOP
    listed = ", ".join(f"{_spoken(c)} {value:.1f}" for c, value in zip(text, values.tolist(), strict=True))
    title = f"{name}: {values.sum():.1f} nats in all"
    alt = (
        f"The largest surprise is {_spoken(text[int(values.argmax())])}: {values.max():.1f} of {values.sum():.1f} nats. Bar "
        f"chart of the surprise of each character, in nats: {listed}. A dashed line at 3.3 shows "
        "what each would cost if all 27 characters were equally likely."
    )
    fig = DescribedFigure(alt, figsize=(6.2, 3), layout="constrained")
    ax = fig.subplots()
    colours = [letter_colour(c) for c in text]
    ax.bar(range(len(text)), values.tolist(), color=colours, edgecolor=INK, linewidth=0.8)
    no_idea = math.log(27)
    for x, value in enumerate(values.tolist()):
        inside = no_idea - 0.35 < value < no_idea  # above the bar it would be on the dashed line
        y, va = (value - 0.1, "top") if inside else (value + 0.06, "bottom")
        ax.text(x, y, f"{value:.1f}", ha="center", va=va)
    ax.axhline(no_idea, color=GREY, linestyle="--", linewidth=1.2, zorder=0)
    ax.text(len(text) - 0.45, no_idea, "ln 27: no idea", ha="right", va="bottom", color=GREY, size=10)
    ax.set_xticks(range(len(text)), list(text), family="monospace", size=13)
    ax.set(ylabel="surprise, nats", ylim=(0, max(3.9, 1.15 * float(values.max()))))
    ax.set_title(title, fontsize=12)
    ax.spines[["top", "right"]].set_visible(False)
    return fig


@styled
def calibration(log_probs: Float[Tensor, "N"], seen: Int[Tensor, "N"], total: int) -> DescribedFigure:
    """How often groups of names were sampled, against how often their probabilities say.

    Args:
        log_probs: one per name, in nats. A group is what lies within one nat; the two ends are open.
        seen: how often each name was sampled.
        total: how many names were sampled.
    """
    bounds = torch.arange(-15.0, -8)
    group = torch.bucketize(log_probs, bounds)
    expected, observed = (
        torch.zeros(8).double().index_add(0, group, x.double()) for x in (total * log_probs.exp(), seen)
    )
    labels = [
        f"rarer than {_one_in(bounds[0])}",
        *map(_one_in, (bounds[:-1] + 0.5).tolist()),
        f"likelier than {_one_in(bounds[-1])}",
    ]
    title = "Names are sampled as often as their probability says"
    pairs = ", ".join(f"{e:.0f} and {o:.0f}" for e, o in zip(expected.tolist(), observed.tolist(), strict=True))
    alt = (
        "Each point is a group of names of like probability, its bar two standard deviations. "
        f"{title}. Scatter plot on two logarithmic axes, one point per group, from rare names "
        f"to the likeliest: how often they are expected among {total:,} sampled names, and how often they occur. Expected "
        f"and seen: {pairs}. A label says how probable a name of the group is: {', '.join(labels)}. "
        "The points are on the dashed diagonal, within about their bars."
    )
    fig = DescribedFigure(alt, figsize=(5.6, 3.9), layout="constrained")
    ax = fig.subplots()
    ends = [0.6 * float(expected.min()), 1.6 * float(expected.max())]
    ax.plot(ends, ends, "--", color=GREY)
    ax.text(0.98, 0.05, "dashed: seen = expected", color=GREY, ha="right", size=10, transform=ax.transAxes)
    ax.errorbar(*map(Tensor.tolist, (expected, observed, 2 * expected.sqrt())), fmt="o", color=BLUE, capsize=3)
    for i, (label, x, y) in enumerate(zip(labels, expected.tolist(), observed.tolist(), strict=True)):
        right = i < expected.argmax()  # below the line as long as the groups grow, then above it
        look = {"ha": "left" if right else "right", "va": "top" if right else "bottom", "size": 9, "color": INK}
        ax.annotate(label, (x, y), (7, -3) if right else (-7, 3), textcoords="offset points", **look)
    ax.set(xscale="log", yscale="log", xlabel=f"expected among {total:,} names", ylabel="seen among them")
    ax.set_title(title, fontsize=12)
    ax.spines[["top", "right"]].set_visible(False)
    return fig


def _one_in(log_prob: float | Float[Tensor, ""]) -> str:
    """A probability as "1 in 13,000", to two digits."""
    return f"1 in {float(f'{math.exp(-log_prob):.1e}'):,.0f}"


def _rows(windows: Sequence[str], probs: Tensor, targets: Tensor) -> list[tuple[str, Tensor, int]]:
    return list(zip(windows, probs, targets.tolist(), strict=True))


def _spoken(letter: str) -> str:
    return "the stop mark" if letter == STOP else letter


def _likeliest(probs: Float[Tensor, "V"], letters: Sequence[str], chosen: str = "") -> str:
    """The likeliest three characters, and the chosen one, with their probabilities."""
    top = [i for i in probs.argsort(descending=True).tolist()[:3] if probs[i] >= 0.005]
    if chosen in letters and letters.index(chosen) not in top:
        top.append(letters.index(chosen))
    return ", ".join(f"{_spoken(letters[i])} {100 * probs[i]:.0f} %" for i in top)
