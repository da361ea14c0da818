"""Figures of lesson 01: what follows what, and the loss of counting with contexts of growing length."""

import math
from collections.abc import Sequence

from jaxtyping import Float
from matplotlib.colors import PowerNorm
from matplotlib.patches import Rectangle
from torch import Tensor

from lib.plots.style import BLUE, GREY, INK, VERMILION, DescribedFigure, styled

LARGEST = 5  # pairs that are framed and named
UNSURE = (4, 6, 8, 12, 16, 27)  # ticks of the axis at the right, in characters


@styled
def bigram_table(probs: Float[Tensor, "V V"], characters: Sequence[str]) -> DescribedFigure:
    """The probabilities of a bigram model as a heat map, the likeliest pairs framed.

    Args:
        probs: a row per character before, a column per next character; each row sums to 1.
        characters: the vocabulary, in the order of the rows.
    """
    V = len(characters)
    places = [divmod(place, V) for place in probs.flatten().argsort(descending=True)[:LARGEST].tolist()]
    pairs = [f"{characters[i]}{characters[j]} {100 * probs[i, j]:.0f} %" for i, j in places]
    i, j = places[0]
    fig = DescribedFigure(
        f"Framed are the {LARGEST} likeliest pairs, with their probability in %. A heat map with {V} rows for the character "
        f"before and {V} columns for the next one; each row sums to 100 %. Most cells are pale, near 0 %; in each row a few are "
        "dark. The columns of the vowels are darker than the others: a vowel can follow almost anything. The framed cells: "
        f"{', '.join(pairs)}.",
        figsize=(7.2, 6.6),
    )
    ax = fig.subplots()
    image = ax.imshow(100 * probs.numpy(), cmap="Blues", norm=PowerNorm(0.5, 0, 80))
    for row, column in places:
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=VERMILION, linewidth=2))
        text = f"{100 * probs[row, column]:.0f}"
        ax.text(column, row, text, ha="center", va="center", fontsize=8.5, color="white", weight="bold")
    ax.set(xticks=range(V), yticks=range(V), xticklabels=characters, yticklabels=characters)
    ax.set(xlabel="next character", ylabel="character before")
    ax.set_title(f"After {characters[i]} comes {characters[j]}: each row knows what follows", fontsize=12)
    ax.tick_params(length=0)
    fig.colorbar(image, label="probability, %", ticks=(1, 5, 10, 20, 40, 80), shrink=0.8, pad=0.03)
    return fig


@styled
def count_curve(train: Sequence[float], val: Sequence[float], vocabulary_size: int = 27) -> DescribedFigure:
    """Loss on training and validation names against the characters of context, 0 to len(val) - 1.

    Args:
        train, val: losses of the counting models, in nats per character, one per length of context.
        vocabulary_size: for the line of knowing nothing.
    """
    nothing, best, last = math.log(vocabulary_size), val.index(min(val)), len(val) - 1
    fig = DescribedFigure(
        f"On new names, {best} characters of context are best; on names it has read, more is always better. Loss against "
        f"the characters of context, 0 to {last}, in nats per character; an axis at the right reads it as the number of characters the model is unsure between. A dashed line at {nothing:.2f} marks knowing nothing. "
        f"The curve for training names falls all the way, from {train[0]:.2f} to {train[-1]:.2f}. The curve for "
        f"validation names falls from {val[0]:.2f} to its lowest point, {val[best]:.2f} at {best} characters, and climbs "
        f"to {val[-1]:.2f} at {last}. The growing gap between the two is overfitting.",
        figsize=(7, 4),
    )
    ax = fig.subplots()
    ax.axhline(nothing, color=GREY, linestyle="--")
    ax.text(last, nothing - 0.03, f"knowing nothing: ln {vocabulary_size}", ha="right", va="top", color=GREY)
    ax.plot(train, "o--", color=BLUE)
    ax.plot(val, "s-", color=VERMILION)
    ax.text(last, train[-1] - 0.09, "names it has read (training)", ha="right", va="top", color=BLUE)
    ax.text(last, val[-1] + 0.1, "new names (validation)", ha="right", color=VERMILION)
    arrow = {"arrowstyle": "->", "shrinkB": 6, "color": INK}
    ax.annotate(f"best: {val[best]:.2f}", (best, val[best]), (best, 2.55), ha="center", arrowprops=arrow)
    ax.set(xlabel="characters of context", ylabel="loss, nats per character", ylim=(1.1, 3.45))
    ax.set_title(f"Past {best} characters, counting gets better only on names it has read", fontsize=12)
    right = ax.secondary_yaxis("right", functions=(lambda y: y, lambda y: y))
    right.set_yticks([math.log(n) for n in UNSURE], [str(n) for n in UNSURE])
    right.set_ylabel("unsure between … characters")
    return fig
