"""The figures of lesson 12: memory by the number of names, and what grows with what, on log-log axes."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lib.plots.style import BLUE, GREEN, INK, PURPLE, VERMILION, DescribedFigure, styled

Points = Sequence[tuple[int | float, int | float]]
COLUMNS = ("names", "letters", "context", "params")
LOOKS = [(VERMILION, "o"), (BLUE, "s"), (GREEN, "^"), (PURPLE, "D")]


def growth(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Of data/evidence/scale.csv: for names, letters, context and parameters, the rows with streams in which only that grows.

    Returns:
        For each of the four its rows, smallest first, with a column `times`: how many times as many there are.
    """
    streams = rows[rows.arm == "stream in memory"]
    first, grown = streams[streams.experiment == "names"].head(1), {}
    for what, column in zip(("names", "letters", "context", "parameters"), COLUMNS, strict=True):
        some = pd.concat([first, streams[streams.experiment == what]]).drop_duplicates(column)
        grown[what] = some.assign(times=some[column] / some[column].iloc[0])
    return grown


@styled
def memory_lines(rows: pd.DataFrame, title: str) -> DescribedFigure:
    """Peak memory by the number of names.

    Args:
        rows: with the columns arm, names and peak, in MB; up to four arms.
        title: the message.
    """
    peaks = {arm: [*zip(some.names, some.peak / 1000, strict=True)] for arm, some in rows.groupby("arm", sort=False)}
    told = [f"{arm}: {', '.join(f'{gb:.2g} GB at {n:,} names' for n, gb in points)}" for arm, points in peaks.items()]
    alt = f"{title}. Peak memory in GB by the number of names, both axes logarithmic. {'; '.join(told)}."
    fig = DescribedFigure(alt, figsize=(6.5, 3.7), layout="constrained")
    ax = fig.subplots()
    _lines(ax, peaks)
    ax.set(xlabel="names", ylabel="peak memory, GB")
    ax.set_xticks(sorted(set(rows.names)), [f"{n:,}" for n in sorted(set(rows.names))])
    fig.suptitle(title, fontsize=12)
    return fig


@styled
def growth_lines(grown: Mapping[str, pd.DataFrame], title: str) -> DescribedFigure:
    """What grows with what: time per step above, memory below, a line for each thing of which there is more and more.

    Args:
        grown: what `growth` returns.
        title: the message.
    """
    panels = {
        "ms per step": {what: [*zip(rows.times, 1000 / rows.rate, strict=True)] for what, rows in grown.items()},
        "peak memory, MB": {what: [*zip(rows.times, rows.peak, strict=True)] for what, rows in grown.items()},
    }
    told = [
        f"{label}. "
        + "; ".join(f"{what}: {', '.join(f'{y:,.0f}' for _, y in points)}" for what, points in lines.items())
        for label, lines in panels.items()
    ]
    alt = (
        f"{title}. Two panels with logarithmic axes, one below the other, by how many times as many names, letters, characters "
        f"of context or parameters there are: 1, about 10, about 100. {'. '.join(told)}."
    )
    fig = DescribedFigure(alt, figsize=(6.5, 6.2), layout="constrained")
    axes = fig.subplots(2, 1, sharex=True)
    for ax, (label, lines) in zip(axes, panels.items(), strict=True):
        _lines(ax, lines)
        ax.set_ylabel(label)
    axes[-1].set_xlabel("times as many")
    axes[-1].set_xticks([1, 10, 100], ["1", "10", "100"])
    fig.suptitle(title, fontsize=12)
    return fig


def _lines(ax: Axes, lines: Mapping[str, Points]) -> None:
    """Lines on two logarithmic axes, each with its name at its right end."""
    ax.set(xscale="log", yscale="log")
    for points, (colour, marker) in zip(lines.values(), LOOKS, strict=False):
        ax.plot(*zip(*points, strict=True), color=colour, marker=marker, linewidth=2, markersize=7)
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color="#dddddd")
    ax.set_axisbelow(True)
    (bottom, top), right = ax.get_ylim(), max(points[-1][0] for points in lines.values())
    room, lowest = (top / bottom) ** 0.07, 0.0
    ends = zip(lines, (points[-1] for points in lines.values()), LOOKS, strict=False)
    for what, (x, y), (colour, _) in sorted(ends, key=lambda end: end[1][1]):
        lowest = max(y, lowest * room)
        ax.plot([x, right * 1.35], [y, lowest], color=colour, linewidth=0.8, clip_on=False)
        ax.annotate(what, (right * 1.4, lowest), fontsize=10.5, color=INK, va="center", annotation_clip=False)
    ax.set_ylim(bottom, top)
