"""The figures of lesson 09: which output sees which token, and what of it is the future."""

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from torch import Tensor

from lib.plots.style import BLUE, INK, VERMILION, DescribedFigure, styled


def future(outputs: int, T: int) -> Bool[Tensor, "outputs T"]:
    """Which cells of a table of outputs by tokens are in the future, where the outputs are those of the last tokens."""
    return torch.arange(T)[None] > torch.arange(T - outputs, T)[:, None]


@styled
def dependence_maps(maps: Mapping[str, Float[Tensor, "outputs T"]], text: str) -> DescribedFigure:
    """How strongly each output depends on each token: one panel per net, the future in another colour than the past.

    Args:
        maps: by title, the size of the gradient of each output (one row each, the first on top) with respect to each
            token. The outputs are those of the last tokens.
        text: the tokens, one per column.

    Returns:
        A figure with two panels per row. Blue cells are in the past of their output, vermilion ones in its future;
        the paler, the weaker, over six powers of ten; white is a gradient of exactly zero. A stepped line separates
        past and future.
    """
    rows = (len(maps) + 1) // 2
    fig = DescribedFigure(_describe_maps(maps, text), figsize=(9, 3.1 * rows), layout="constrained")
    axes = fig.subplots(rows, 2, squeeze=False)
    for ax in axes.flat[len(maps) :]:
        ax.axis("off")
    for ax, (title, strength) in zip(axes.flat, maps.items(), strict=False):
        _draw_map(ax, strength, text)
        ax.set_title(title, fontsize=11)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    axes[0, 0].text(len(text) - 0.7, -0.2, "the future", color=VERMILION, ha="right", va="top", bbox=box)
    return fig


def _draw_map(ax: Axes, strength: Float[Tensor, "outputs T"], text: str) -> None:
    outputs, T = strength.shape
    shade = (1 + (strength / strength.max()).clamp(min=1e-6).log10() / 6).clamp(0.18, 1)[..., None]
    past, later = torch.tensor(to_rgb(BLUE)), torch.tensor(to_rgb(VERMILION))
    colour = torch.where(future(outputs, T)[..., None], later, past)
    picture = torch.where((strength > 0)[..., None], 1 - shade * (1 - colour), torch.ones(3))
    ax.imshow(picture.numpy(), aspect="auto")
    steps = [T - outputs + 0.5 + row for row in range(outputs) for _ in (0, 1)]
    ax.plot(steps, [row + end for row in range(outputs) for end in (-0.5, 0.5)], color=INK, linewidth=1.5)
    ax.set_xticks(range(T), list(text), family="monospace", size=11)
    ax.set_yticks(range(outputs), list(text[-outputs:]), family="monospace", size=11)
    ax.set(xlabel="token", ylabel="output after")


def _describe_maps(maps: Mapping[str, Float[Tensor, "outputs T"]], text: str) -> str:
    parts = []
    for title, strength in maps.items():
        later = future(*strength.shape)
        leaks, widest = int(((strength > 0) & later).sum()), int((strength > 0).sum(1).max())
        parts.append(
            f"{title}: {leaks} of {int(later.sum())} cells right of the line are coloured; "
            f"an output depends on up to {widest} tokens"
        )
    return (
        f"Maps of which output depends on which token of {text}, by gradient. One row per output from top to bottom, "
        "one column per token; a cell is white where the gradient is exactly zero, and a stepped line separates each "
        f"output's past, on the left, from its future. {'; '.join(parts)}. A causal net has nothing right of the line."
    )
