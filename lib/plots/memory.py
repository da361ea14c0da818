"""The figures of lesson 10: what queues hold, and to whose list a judge attributes names."""

from collections.abc import Mapping, Sequence

from jaxtyping import Int
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
    top = 1.4 * len(dilations)
    fig, ax = canvas(_describe_queues(text, dilations), (-2.9, longest + 6.2), (-0.3, top + 1.3), 0.52)
    dashed = LINE | {"linestyle": "--"}
    for row, dilation in enumerate(dilations):
        y, start = 1.4 * row, longest - dilation
        draw_cells(ax, start, y, text[-1 - dilation : -1], 1, 0.8)
        draw_cells(ax, longest + 1.4, y, text[-1], 1, 0.8)
        draw_frame(ax, start - 0.12, y - 0.12, 1.24, 1.04, linestyle="--", linewidth=2)
        ax.annotate("", xy=(start - 1, y + 0.4), xytext=(start - 0.14, y + 0.4), arrowprops=LINE)
        ax.annotate("", xy=(longest + 0.15, y + 0.4), xytext=(longest + 1.3, y + 0.4), arrowprops=dashed)
        ax.text(start - 1.1, y + 0.4, "read", ha="right", va="center", fontsize=11, color=INK)
        ax.text(longest + 2.75, y + 0.4, f"layer {row + 1}, dilation {dilation}", va="center", fontsize=11, color=INK)
    ax.text(longest / 2, top, "queue, oldest first", ha="center", fontsize=11, color=GREY)
    ax.text(longest + 1.9, top, "now", ha="center", fontsize=11, color=GREY)
    title = "A queue gives back what went in d steps ago"
    ax.text((longest + 3.3) / 2, top + 0.75, title, ha="center", fontsize=12, color=INK)
    return fig


def _describe_queues(text: str, dilations: Sequence[int]) -> str:
    rows = [
        f"layer {number} with dilation {dilation} holds its inputs from {', '.join(text[-1 - dilation : -1])} "
        f"and reads the oldest, that from {text[-1 - dilation]}"
        for number, dilation in enumerate(dilations, start=1)
    ]
    return (
        f"A queue gives back what went in d steps ago: the queues at the moment when {text[-1]} of {text} arrives. "
        f"One row per layer, the lowest at the bottom: {'; '.join(rows)}. Each also reads the new input, {text[-1]}, "
        "which is added to the queue on the right, while the oldest, in a dashed frame, is taken out on the left."
    )


@styled
def label_strip(
    shares: Mapping[str, Int[Tensor, "2"]], title: str, labels: Sequence[str] = ("girls", "boys")
) -> DescribedFigure:
    """To which list names are attributed: one bar per group of names, cut at the share of each list.

    Args:
        shares: for each group of names, how many of them are attributed to the first and to the second list.
        title: the message.
        labels: of the two lists.
    """
    percent = {group: 100 * counts[0].item() / counts.sum().item() for group, counts in shares.items()}
    told = [f"{group}: {labels[0]} {p:.0f} %, {labels[1]} {100 - p:.0f} %" for group, p in percent.items()]
    alt = (
        f"{title}. One bar per group of names, cut where a judge attributes them to the list of {labels[0]} (plain) and "
        f"of {labels[1]} (hatched). {'; '.join(told)}."
    )
    fig = DescribedFigure(alt, figsize=(6.5, 1.3 + 0.45 * len(shares)), layout="constrained")
    ax = fig.subplots()
    for y, first in enumerate(percent.values()):
        ax.barh(y, first, color=ORANGE, edgecolor=INK)
        ax.barh(y, 100 - first, left=first, color=SKY, edgecolor=INK, hatch="//")
        parts = ((first / 2, first, labels[0]), (50 + first / 2, 100 - first, labels[1]))
        for x, share, word in parts:
            text = f"{word} {share:.0f} %" if share > 30 else f"{share:.0f} %" if share > 6 else ""
            box = {"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 1.5}
            ax.text(x, y, text, ha="center", va="center", fontsize=10.5, color=INK, bbox=box if text else None)
    ax.set_yticks(range(len(shares)), list(shares), fontsize=10.5)
    ax.set(xlabel="attributed by the judge, % of the names", xlim=(0, 100), ylim=(len(shares) - 0.4, -0.6))
    fig.suptitle(title, fontsize=12)
    return fig
