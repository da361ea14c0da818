"""Figures of lesson 04: one batch learned by heart, the learning rate, a whole training, net and recipe, new parts."""

from collections.abc import Sequence

import pandas as pd
import torch
from matplotlib.axes import Axes
from torch.nn.functional import gelu

from lib.data import STOP
from lib.plots.ladder import GAP, HEIGHT, RISE, ladder_rows
from lib.plots.style import (
    BLUE,
    GREY,
    INK,
    NAME,
    VERMILION,
    DescribedFigure,
    Number,
    canvas,
    draw_cells,
    styled,
)
from lib.training import History, Recipe

NETS = {"staged": "tanh, no residual path", "staged, GELU, residual": "GELU, residual path"}
RECIPES = {"lecture": "LECTURE: 200,000 × 32", "fast": "FAST: 1,324 × 512"}
HIGHEST = 3.7  # losses above are cut off
CURVES = 3.9  # height of the panel with two curves, in letters
WIDTH = 6.5  # inches: the text column of a notebook
SHORTCUT = {"arrowstyle": "-|>,head_width=0.35,head_length=0.6", "color": VERMILION, "linewidth": 3}


@styled
def memorised(losses: Sequence[Number], floor: Number) -> DescribedFigure:
    """The loss of one batch that is learned by heart, and the lowest loss that the batch allows.

    Args:
        losses: of each step, nats per character.
        floor: the lowest possible loss, nats per character.
    """
    alt = (
        f"One batch is learned by heart within {len(losses)} steps, down to the lowest loss that it allows. The loss in "
        f"nats per character against the step: it falls from {losses[0]:.2f} to {losses[-1]:.2f} and then stays on a "
        f"dashed line at {floor:.2f}, the floor. It does not go to 0."
    )
    fig = DescribedFigure(alt, figsize=(WIDTH, 3.2), layout="constrained")
    ax = fig.subplots()
    ax.plot(range(1, len(losses) + 1), losses)
    ax.axhline(floor, color=VERMILION, linestyle="--")
    ax.text(len(losses), floor - 0.06, "lowest possible loss", ha="right", va="top", color=VERMILION)
    ax.set(xlabel="step", ylabel="loss of the batch, nats", ylim=(0, None))
    ax.set_title("Learned by heart, and still not 0")
    return fig


@styled
def rate_search(rates: Sequence[float], losses: Sequence[float], chosen: float) -> DescribedFigure:
    """The loss after a few steps against the learning rate.

    Args:
        rates: the learning rates.
        losses: after the same number of steps with each, nats per character.
        chosen: the rate to mark.
    """
    best = rates[list(losses).index(min(losses))]
    alt = (
        "The loss after a short training is lowest at a learning rate in the middle. The rate is on a logarithmic axis "
        f"from {min(rates):.4f} to {max(rates):.0f}. At the left end the loss is {losses[0]:.2f}, for hardly anything is "
        f"learned; it is lowest, {min(losses):.2f}, near {best:.2f}, and towards the right end it leaves the picture, "
        f"above {HIGHEST}. A dashed line marks the recipe's rate, {chosen}, near the lowest point."
    )
    fig = DescribedFigure(alt, figsize=(WIDTH, 3.2), layout="constrained")
    ax = fig.subplots()
    ax.semilogx(rates, losses, "o-")
    ax.axvline(chosen, color=VERMILION, linestyle="--")
    ax.text(chosen * 0.85, HIGHEST - 0.05, f"the recipe FAST: {chosen}", ha="right", va="top", color=VERMILION)
    ax.set(xlabel="learning rate", ylabel="loss after 40 steps, nats", ylim=(2.2, HIGHEST))
    ax.set_title("Too small: nothing happens. Too large: it staggers")
    return fig


@styled
def curves(history: History, recipe: Recipe, counting: float) -> DescribedFigure:
    """A whole training: the learning rate above, training and validation loss below.

    Args:
        history: of the training, with validation losses.
        recipe: that it followed.
        counting: the validation loss of the best counting model, nats per character.
    """
    steps, window = len(history.train), max(1, history.steps // 26)
    rates = [recipe.lr_at(step, history.steps) for step in range(steps)]
    smooth = torch.tensor(history.train).unfold(0, min(window, steps), 1).mean(1)
    alt = (
        "The net passes the best counting model well before the training ends. Two panels over the steps. Above, the "
        "learning rate: it rises in a straight line during the warm-up, a tenth of the steps, then falls along half a "
        "cosine to 0. Below, the loss in nats per character for training batches and for validation names: both fall "
        f"steeply, then ever more slowly, to {smooth[-1]:.2f} and {history.val[-1][1]:.2f}, below the counting model's "
        f"dotted line at {counting:.2f}."
    )
    fig = DescribedFigure(alt, figsize=(WIDTH, 5), layout="constrained")
    above, below = fig.subplots(2, 1, sharex=True, height_ratios=(1, 2.6))
    above.plot(rates, color=INK)
    above.axvspan(0, recipe.warmup * history.steps, color=GREY, alpha=0.2, linewidth=0)
    above.text(recipe.warmup * history.steps * 1.1, 0, "grey: warm-up", va="bottom", color=GREY)
    above.set(ylabel="learning rate")
    below.plot(range(window, window + len(smooth)), smooth, label=f"training batches, mean of {window}")
    below.plot(*zip(*history.val, strict=True), "s", label="validation names")
    below.axhline(counting, color=GREY, linestyle=":")
    below.text(0, counting - 0.015, "best counting model", va="top", color=GREY)
    below.set(xlabel="step", ylabel="loss, nats per character", ylim=(1.85, 2.65))
    below.legend()
    above.set_title("Better than counting, well before the end")
    return fig


@styled
def crossing_lines(results: pd.DataFrame) -> DescribedFigure:
    """Nets and recipes, one changed at a time: a line per net, a place on the x axis per recipe.

    Args:
        results: rows of data/evidence/results.csv, with the columns arm, recipe and val.
    """
    runs = results.groupby(["arm", "recipe"]).val
    means, deviations = runs.mean(), runs.std()
    told = "; ".join(
        f"{label}: {' and '.join(f'{means[net, recipe]:.3f} with {recipe.upper()}' for recipe in RECIPES)}"
        for net, label in NETS.items()
    )
    alt = (
        "The two lines cross: neither the new net nor the new recipe is better alone, both together are. Validation loss "
        f"in nats per character of two nets with two recipes, mean and standard deviation over seeds. {told}."
    )
    fig = DescribedFigure(alt, figsize=(WIDTH, 3.6), layout="constrained")
    ax = fig.subplots()
    for (net, label), style in zip(NETS.items(), ("s--", "o-"), strict=True):
        losses, spread = ([values[net, recipe] for recipe in RECIPES] for values in (means, deviations))
        ax.errorbar(list(RECIPES.values()), losses, spread, fmt=style, capsize=4, label=label)
    ax.set(xlabel="recipe (steps × windows)", ylabel="validation loss, nats\n(lower is better)", xlim=(-0.3, 1.3))
    ax.set_title("Either change alone is worse; both together are better")
    ax.legend(loc="lower left")
    return fig


@styled
def new_parts(window: str = STOP + NAME) -> DescribedFigure:
    """GELU beside tanh, and the tree with its residual paths: where the right-hand input is added to a stage's output."""
    rows = ladder_rows(window, (2, 2, 2))
    T, top = len(window), (len(rows) - 1) * RISE + HEIGHT
    alt = (
        "On the right GELU keeps its slope, and what was read last has the shortest way up. Above, two curves from −3 to 3: "
        "tanh levels off at −1 and 1; GELU is near 0 on the left, dips a little below 0, and on the right rises like x. "
        f"Below, the tree over the window {window}, read from bottom to top: letters, pairs, fours, all eight. Grey arrows "
        "lead from both neighbours into each layer. In stages 2 and 3 a thick arrow also leads from the right-hand "
        f"neighbour, around the layer, to its output, where it is added: from {rows[1][-1]} to {rows[2][-1]} and from "
        f"there to {rows[3][-1]}. In stage 1 there is none: letters have 24 channels, pairs 128."
    )
    height = top + 0.75 + CURVES  # of the whole, in letters
    fig, ax = canvas(alt, (-0.2, T + 3.9), (-0.25, height), unit=0.52)
    _draw_curves(fig.add_axes((0.05, 1 - 0.8 * CURVES / height, 0.6, 0.7 * CURVES / height)))
    ax.text(0, height - 0.1, "On the right GELU keeps its slope, tanh goes flat", fontsize=12, color=INK)
    ax.text(0, top + 0.35, "What was read last has the shortest way up", fontsize=12, color=INK)
    for level, boxes in enumerate(rows):
        y, size = level * RISE, len(boxes[0])
        for i, letters in enumerate(boxes):
            draw_cells(ax, i * size + GAP / 4, y, letters, 1 - GAP / (2 * size), HEIGHT)
            if level:
                _draw_ways(ax, i * size, y, size, added=level > 1)
        beside = {"va": "center", "fontsize": 11, "color": GREY}
        if level:
            words = "no path: 24 → 128 channels" if level == 1 else "+ right-hand input"
            ax.text(T + 0.3, y - (RISE - HEIGHT) / 2, f"stage {level}: {words}", **beside)
    return fig


def _draw_curves(ax: Axes) -> None:
    """tanh and GELU from −3 to 3, each with its name."""
    x = torch.linspace(-3, 3, 121)
    for name, y, line, colour in (("tanh", x.tanh(), "--", BLUE), ("GELU", gelu(x), "-", VERMILION)):
        ax.plot(x.tolist(), y.tolist(), line, color=colour, linewidth=2)
        ax.text(3.1, float(y[-1]), name, va="center", fontsize=11, color=colour)
    ax.set(ylim=(-1.25, 3.2), yticks=range(-1, 4))
    ax.spines[["top", "right"]].set_visible(False)


def _draw_ways(ax: Axes, x: Number, y: Number, size: int, added: bool) -> None:
    """Into the box of this size at x: grey arrows from its two neighbours below, and the path that is added."""
    start, end = y - RISE + HEIGHT + 0.05, y - 0.05
    for half in (0.25, 0.75):
        look = {"arrowstyle": "->", "color": GREY, "linewidth": 1.2}
        ax.annotate("", xy=(x + size * (half + 0.5) / 2, end), xytext=(x + size * half, start), arrowprops=look)
    if added:
        ax.annotate("", xy=(x + size - 0.3, end), xytext=(x + size - 0.3, start), arrowprops=SHORTCUT)
