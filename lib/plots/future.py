"""The figures of lesson 09: which output sees which token, and what of it is the future."""

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch, Rectangle
from torch import Tensor

from lib.data import STOP
from lib.plots.style import BLUE, GREY, INK, VERMILION, DescribedFigure, styled

LETTER = {"family": "monospace", "size": 12}


def future(outputs: int, T: int) -> Bool[Tensor, "outputs T"]:
    """Which cells of a table of outputs by tokens are in the future, where the outputs are those of the last tokens."""
    return torch.arange(T)[None] > torch.arange(T - outputs, T)[:, None]


@styled
def dependence_maps(maps: Mapping[str, Float[Tensor, "outputs T"]], text: str, title: str) -> DescribedFigure:
    """How strongly each output depends on each token: one panel per net, the future in another colour than the past.

    Args:
        maps: by title, the size of the gradient of each output (one row each, the first on top) with respect to each
            token. The outputs are those of the last tokens.
        text: the tokens, one per column.
        title: the message.

    Returns:
        A figure with up to two panels per row. Blue cells are in the past of their output, vermilion ones in its
        future; the paler, the weaker, over six powers of ten; white is a gradient of exactly zero. A stepped line
        separates past and future, and each panel's title counts the cells that leak.
    """
    columns = min(2, len(maps))
    rows = -(-len(maps) // columns)
    size = (3.7 * columns, 0.9 + 2.9 * rows) if columns == 2 else (5.2, 3.9)
    fig = DescribedFigure(_describe_maps(maps, text, title), figsize=size, layout="constrained")
    fig.suptitle(title, fontsize=12)
    axes = fig.subplots(rows, columns, squeeze=False)
    for ax in axes.flat[len(maps) :]:
        ax.axis("off")
    for ax, (name, strength) in zip(axes.flat, maps.items(), strict=False):
        _draw_map(ax, strength, text)
        ax.set_title(f"{name}: {_counted(strength)}", fontsize=11)
    for ax in axes[:, 0]:
        ax.set_ylabel("output after", fontsize=11)
    for ax in axes[-1]:
        ax.set_xlabel("token", fontsize=11)
    keys = [Patch(color=BLUE, label="past"), Patch(color=VERMILION, label="future, right of the line")]
    fig.legend(handles=keys, loc="outside lower center", ncols=2, frameon=False, fontsize=11)
    return fig


def leaks(strength: Float[Tensor, "outputs T"]) -> int:
    """How many cells of a map are in the future of their output and not zero."""
    return int(((strength != 0) & future(*strength.shape)).sum())


def _counted(strength: Float[Tensor, "outputs T"]) -> str:
    return f"{leaks(strength)} of {int(future(*strength.shape).sum())} leak"


def _draw_map(ax: Axes, strength: Float[Tensor, "outputs T"], text: str) -> None:
    outputs, T = strength.shape
    shade = (1 + (strength / strength.max()).clamp(min=1e-6).log10() / 6).clamp(0.25, 1)[..., None]
    past, later = torch.tensor(to_rgb(BLUE)), torch.tensor(to_rgb(VERMILION))
    colour = torch.where(future(outputs, T)[..., None], later, past)
    picture = torch.where((strength > 0)[..., None], 1 - shade * (1 - colour), torch.ones(3))
    ax.imshow(picture.numpy(), aspect="auto")
    steps = [T - outputs + 0.5 + row for row in range(outputs) for _ in (0, 1)]
    ax.plot(steps, [row + end for row in range(outputs) for end in (-0.5, 0.5)], color=INK, linewidth=1.8)
    ax.set_xticks(range(T), list(text), **LETTER)
    ax.set_yticks(range(outputs), list(text[-outputs:]), **LETTER)
    ax.set_xticks([i + 0.5 for i in range(T - 1)], minor=True)
    ax.set_yticks([i + 0.5 for i in range(outputs - 1)], minor=True)
    ax.grid(which="minor", color="white", linewidth=0.8)
    ax.tick_params(which="both", length=0)


def _describe_maps(maps: Mapping[str, Float[Tensor, "outputs T"]], text: str, title: str) -> str:
    parts = [
        f"{name}: {_counted(strength)}, and an output depends on up to {int((strength > 0).sum(1).max())} tokens"
        for name, strength in maps.items()
    ]
    return (
        f"{title}. Which output depends on which token of {text}, by gradient. One row per output from top to bottom, "
        "one column per token; a cell is white where the gradient is exactly zero, and a stepped line separates each "
        f"output's past, on the left, from its future. {'; '.join(parts)}."
    )


@styled
def shared_means(name: str, after: int, context: int = 8) -> DescribedFigure:
    """What a norm's mean runs over when one letter is predicted: all of a whole name, or one window.

    Args:
        name: its letters.
        after: how many letters are known; the next one is to be predicted.
        context: length of the window, in time steps.
    """
    whole, target = STOP * (context - after) + name, name[after]
    alt = (
        f"Two rows of cells. A whole name: {whole}, with the output after {name[after - 1]} marked; a bracket, the mean, "
        f"runs over all {len(whole)} cells, and the {len(whole) - context} after the output are in another colour, the "
        f"answer {target} among them. A window: {whole[:context]}; the bracket runs over its {context} cells, all of them in the "
        f"past, and the answer {target} is outside."
    )
    fig = DescribedFigure(alt, figsize=(6.8, 3.3), layout="constrained")
    fig.suptitle("A whole name's mean holds the answer, a window's does not", fontsize=12)
    axes = fig.subplots(2, 1)
    _draw_mean(axes[0], whole, context, len(whole), "whole name")
    _draw_mean(axes[1], whole[: context + 1], context, context, "window")
    return fig


def _draw_mean(ax: Axes, text: str, known: int, covered: int, label: str) -> None:
    """A row of cells of which the first `known` are in the past and the first `covered` in the mean."""
    for i, letter in enumerate(text):
        colour, inside = (BLUE if i < known else VERMILION), i < covered
        look = {"facecolor": colour if inside else "white", "edgecolor": colour if inside else GREY}
        ax.add_patch(Rectangle((i + 0.04, 0), 0.92, 1, linewidth=1.2, linestyle="-" if inside else "--", **look))
        ink = "white" if inside else INK
        ax.text(i + 0.5, 0.5, letter, ha="center", va="center", color=ink, family="monospace", size=14)
    ax.plot([0.04, 0.04, covered - 0.04, covered - 0.04], [1.25, 1.45, 1.45, 1.25], color=INK, linewidth=1.4)
    ax.text(covered / 2, 1.55, f"{label}: the mean runs over {covered} positions", ha="center", va="bottom", size=11)
    look = {"arrowstyle": "-|>", "color": INK}
    ax.annotate(
        "output", (known - 0.5, -0.05), (known - 0.5, -0.85), ha="center", va="center", size=11, arrowprops=look
    )
    ax.text(known + 0.5, -0.35, "answer", ha="center", va="center", size=11, color=VERMILION)
    ax.set(xlim=(-0.2, 12.2), ylim=(-1.1, 2.2))
    ax.axis("off")
