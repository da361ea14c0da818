"""Pictures of lesson 03: saturated layers, which numbers share a mean, and one output in many batches."""

from collections.abc import Mapping, Sequence

import torch
from matplotlib.patches import Rectangle
from torch import Tensor

from lib.plots.style import BLUE, GREY, INK, VERMILION, DescribedFigure, draw_cells, styled

BINS = 60


@styled
def saturation(outputs: Mapping[str, Sequence[Tensor]]) -> DescribedFigure:
    """Histograms of each tanh layer's outputs, for two nets side by side; the input's side is at the bottom.

    Args:
        outputs: from a net's name to the outputs of its layers, in any shape, the lowest layer first.
    """
    dead, alive = outputs
    narrow = [f"layer {n}" for n, out in enumerate(outputs[alive], start=1) if out.float().abs().mean() < 0.2]
    near_zero = f", except in {', '.join(narrow)}, where they are close to 0" if narrow else ""
    alt = (
        f"Only the net on the right can still learn. Histograms of the outputs of every tanh layer, from −1 to 1, for two "
        f"nets after the same training; layer 1 is at the bottom. Left, {dead}: in each layer nearly all outputs are at "
        f"the two ends, −1 and 1, where tanh has no slope. Right, {alive}: the outputs are spread between the ends"
        f"{near_zero}. The left net is saturated, the right one is not."
    )
    fig = DescribedFigure(alt, figsize=(7, 4.6), layout="constrained")
    for ax, colour, (name, layers) in zip(
        fig.subplots(1, 2, sharey=True), (VERMILION, BLUE), outputs.items(), strict=True
    ):
        for number, out in enumerate(layers, start=1):
            counts = torch.histc(out.float().flatten(), BINS, -1, 1)
            heights = 0.85 * counts / counts.max()
            edges = torch.linspace(-1, 1, BINS + 1)
            ax.stairs(number + heights.numpy(), edges.numpy(), baseline=number, fill=True, color=colour)
            ax.axhline(number, color="#cccccc", linewidth=0.8, zorder=0)
        ax.set(title=name, xlabel="output of tanh", xlim=(-1.05, 1.05), ylim=(0.95, len(layers) + 1), xticks=(-1, 0, 1))
        ax.set_yticks(range(1, len(layers) + 1), [f"layer {n}" for n in range(1, len(layers) + 1)])
        ax.tick_params(axis="y", length=0)
        ax.spines[["top", "right", "left"]].set_visible(False)
    fig.suptitle("At ±1 tanh has no slope: the left net can't learn any more", fontsize=13)
    return fig


@styled
def shared_means(pairs: Sequence[str] = (".c", "ha", "rl", "ie"), channels: int = 3) -> DescribedFigure:
    """Which cells of a (time steps, channels) grid share one mean: over dim 0 none, over dims (0, 1) whole columns."""
    T = len(pairs)
    alt = (
        f"Read the frames: the cells in one frame share one mean over the batch. Two grids, {T} time steps (the pairs {', '.join(pairs)}) down by {channels} channels across. Left, dim 0: {T * channels} frames, every cell has a mean of its "
        f"own. Right, dims (0, 1): {channels} frames, each a whole column, so that all time steps of a channel share one "
        "mean."
    )
    fig = DescribedFigure(alt, figsize=(7, 3.5), layout="constrained")
    for ax, shared in zip(fig.subplots(1, 2), (False, True), strict=True):
        for t, pair in enumerate(pairs):
            draw_cells(ax, -1.3, t - 0.25, pair, 0.3, 0.5)
            for c in range(channels):
                number = c if shared else t * channels + c
                ax.text(c, t, f"mean {number + 1}", ha="center", va="center", fontsize=11)
        for c in range(channels):
            for t in range(1 if shared else T):
                height = (T if shared else 1) - 0.1
                frame = Rectangle(
                    (c - 0.45, t - 0.45), 0.9, height, facecolor="#E8F1F8", edgecolor=INK, linewidth=1.8, zorder=0
                )
                ax.add_patch(frame)
        count = channels if shared else T * channels
        title = f"dims (0, 1): {count} means" if shared else f"dim 0: {count} means"
        ax.set(title=title, yticks=[], xlim=(-1.4, channels - 0.4), ylim=(T - 0.4, -0.6))
        ax.set_xticks(range(channels), [f"channel {c + 1}" for c in range(channels)])
        ax.tick_params(axis="x", length=0)
        ax.spines[:].set_visible(False)
    fig.suptitle("Dim 0 gives every time step means of its own", fontsize=13)
    return fig


@styled
def in_many_batches(in_train: Tensor, in_eval: Tensor, pair: str = "ie", name: str = ".charlie") -> DescribedFigure:
    """One output of one window in several batches, in train mode and in eval mode: (batches,) each."""
    alt = (
        f"The window is the same in every batch; only its companions change. Output of one channel for the pair {pair} of {name} against the batch that the window was in, 1 to "
        f"{len(in_train)}. In train mode the dots jump up and down from batch to batch; in eval mode they lie on one "
        "level line, so that the companions no longer matter."
    )
    fig = DescribedFigure(alt, figsize=(7, 3.2), layout="constrained")
    ax, batches = fig.subplots(), range(1, len(in_train) + 1)
    ax.plot(batches, in_train, "o", color=VERMILION)
    ax.plot(batches, in_eval, "-", color=BLUE, linewidth=2)
    place = {"xytext": (8, 0), "textcoords": "offset points", "va": "center", "fontsize": 11}
    ax.annotate("train mode", (len(in_train), in_train[-1]), color=VERMILION, **place)
    ax.annotate("eval mode", (len(in_eval), in_eval[-1]), color=BLUE, **place)
    ax.vlines(batches, in_eval, in_train, color="#dddddd", linewidth=1, zorder=0)
    ax.set(xlabel="batch", ylabel=f"output for the pair {pair}", xlim=(0.3, len(in_train) + 4.2))
    ax.set_xticks([1, *range(5, len(in_train) + 1, 5)])
    ax.set_title("In train mode the same window gets a new answer in each batch")
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(colors=GREY)
    return fig
