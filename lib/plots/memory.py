"""The figures of lesson 10: what queues hold, and whose list a name is attributed to."""

from collections.abc import Mapping, Sequence

from jaxtyping import Int
from matplotlib.figure import Figure
from torch import Tensor

from lib.data import STOP
from lib.plots.style import GREY, INK, NAME, ORANGE, SKY, DescribedFigure, canvas, draw_cells, draw_frame, styled

LINE = {"arrowstyle": "-|>", "color": GREY, "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0}


@styled
def queue_picture(text: str = STOP + NAME, dilations: Sequence[int] = (1, 2, 4)) -> DescribedFigure:
    """What the queues hold when the last character of the text arrives, and which of it each layer reads.

    Args:
        text: what has been generated, the first stop mark included; longer than the longest queue.
        dilations: how many time steps each layer's queue holds, the lowest layer first.

    Returns:
        A figure with one row per layer: on the left its queue, oldest input first, which is read and removed, then the
        newest input, which is added. Each box shows the character at whose time step the input was computed.

    Raises:
        ValueError: the text is too short for the longest queue.
    """
    longest = max(dilations)
    if len(text) <= longest:
        raise ValueError(f"the longest queue holds {longest} time steps before the last; got {text!r}.")
    top = 1.3 * len(dilations) - 0.05
    fig, ax = canvas(_describe_queues(text, dilations), (-0.9, longest + 5.4), (-0.2, top + 0.45))
    dashed = LINE | {"linestyle": "--"}
    for row, dilation in enumerate(dilations):
        y, start = 1.3 * row, longest - dilation
        draw_cells(ax, start, y, text[-1 - dilation : -1], 1, 0.8)
        draw_cells(ax, longest + 1.2, y, text[-1], 1, 0.8)
        draw_frame(ax, start - 0.08, y - 0.08, 1.16, 0.96, linestyle="--")
        ax.annotate("", xy=(start - 0.7, y + 0.4), xytext=(start - 0.1, y + 0.4), arrowprops=dashed)
        ax.annotate("", xy=(longest + 0.15, y + 0.4), xytext=(longest + 1.1, y + 0.4), arrowprops=dashed)
        ax.text(longest + 2.6, y + 0.4, f"layer {row + 1}, dilation {dilation}", va="center", fontsize=11, color=INK)
    ax.text(longest / 2, top, "queue, oldest first", ha="center", fontsize=11, color=GREY)
    ax.text(longest + 1.7, top, "now", ha="center", fontsize=11, color=GREY)
    return fig


def _describe_queues(text: str, dilations: Sequence[int]) -> str:
    rows = [
        f"layer {number} with dilation {dilation} holds its inputs from {', '.join(text[-1 - dilation : -1])} "
        f"and reads the oldest, that from {text[-1 - dilation]}"
        for number, dilation in enumerate(dilations, start=1)
    ]
    return (
        f"The queues at the moment when {text[-1]} of {text} arrives. One row per layer, the lowest at the bottom: "
        f"{'; '.join(rows)}. Each also reads the new input, {text[-1]}, which is added to the queue on the right, "
        "while the oldest, in a dashed frame, is removed on the left."
    )


@styled
def label_strip(shares: Mapping[str, Int[Tensor, "2"]], labels: Sequence[str] = ("girls", "boys")) -> Figure:
    """To which list names are attributed: one bar per group of names, cut at the share of each list.

    Args:
        shares: for each group of names, how many of them are attributed to the first and to the second list.
        labels: of the two lists.

    Returns:
        A figure without description: `show` needs one that says what the groups are.
    """
    fig = Figure(figsize=(8, 0.8 + 0.42 * len(shares)), layout="constrained")
    ax = fig.subplots()
    for y, counts in enumerate(shares.values()):
        first = 100 * counts[0].item() / counts.sum().item()
        ax.barh(y, first, color=ORANGE, edgecolor=INK)
        ax.barh(y, 100 - first, left=first, color=SKY, edgecolor=INK, hatch="//")
        for x, share, word in ((first / 2, first, labels[0]), (50 + first / 2, 100 - first, labels[1])):
            if share > 9:  # room for the word
                box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.5}
                ax.text(x, y, word, ha="center", va="center", fontsize=10, color=INK, bbox=box)
    ax.set_yticks(range(len(shares)), list(shares))
    ax.set(xlabel="attributed to, % of the names", xlim=(0, 100), ylim=(len(shares) - 0.4, -0.6))
    return fig
