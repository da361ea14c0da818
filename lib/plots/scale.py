"""The figures of lesson 12: memory by the number of names, and what grows with what, on log-log axes."""

from collections.abc import Mapping, Sequence

from lib.plots.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, VERMILION, DescribedFigure, styled

Points = Sequence[tuple[float, float]]
LOOKS = [(VERMILION, "o", "-"), (BLUE, "s", "-"), (GREEN, "^", "-"), (PURPLE, "D", "-"), (ORANGE, "v", "-")]
ROOM = 1.25  # between two labels at the right end, as a ratio


@styled
def memory_lines(
    peaks: Mapping[str, Points], title: str, beyond: float = 0, limits: Mapping[str, float] | None = None
) -> DescribedFigure:
    """Peak memory by the number of names.

    Args:
        peaks: for each way to hold the names, (number of names, GB) with the smallest number first.
        title: the message.
        beyond: dashed lines go on to this number of names, as many bytes for each further name as between the last two.
        limits: named amounts of memory, in GB, drawn as dotted lines.
    """
    ahead = {way: _ahead(points, beyond) for way, points in peaks.items()} if beyond else {}
    told = [f"{way}: {', '.join(f'{gb:.2g} GB at {n:,} names' for n, gb in points)}" for way, points in peaks.items()]
    told += [f"dashed, {way} would need {gb:,.0f} GB at {n:,.0f}" for way, (n, gb) in ahead.items()]
    told += [f"a dotted line at {gb:g} GB: {what}" for what, gb in (limits or {}).items()]
    alt = f"{title}. Peak memory in GB by the number of names, both axes logarithmic. {'; '.join(told)}."
    fig = DescribedFigure(alt, figsize=(6.5, 3.7), layout="constrained")
    ax = fig.subplots()
    for (way, points), (colour, marker, line) in zip(peaks.items(), LOOKS, strict=False):
        ax.plot(*zip(*points, strict=True), line, color=colour, marker=marker, linewidth=2, markersize=7)
        if way in ahead:
            ax.plot(*zip(points[-1], ahead[way], strict=True), "--", color=colour, linewidth=2)
    ends = {way: (ahead.get(way) or points[-1])[1] for way, points in peaks.items()}
    _label(ax, ends, max(n for points in peaks.values() for n, _ in points) if not beyond else beyond)
    ax.set(xscale="log", yscale="log", xlabel="names", ylabel="peak memory, GB")
    for what, gb in (limits or {}).items():
        ax.axhline(gb, linestyle=":", color=GREY)
        ax.text(ax.get_xlim()[0] * 1.1, gb * 1.12, what, fontsize=10, color=GREY)
    _finish(fig, [ax], title)
    return fig


@styled
def growth_lines(panels: Mapping[str, Mapping[str, Points]], title: str) -> DescribedFigure:
    """What grows with what: one panel below the other, one line for each thing that becomes ten and a hundred times as much.

    Args:
        panels: by the label of the vertical axis, for each thing (times as many, measured), 1 first.
        title: the message.
    """
    told = [
        f"{label}. " + "; ".join(f"{what}: {', '.join(f'{y:.3g}' for _, y in points)}" for what, points in lines.items())
        for label, lines in panels.items()
    ]
    alt = (
        f"{title}. Two panels with logarithmic axes, by how many times as many names, letters, characters of context or "
        f"parameters there are, 1, 10 and 100 or nearly. {'. '.join(told)}."
    )
    fig = DescribedFigure(alt, figsize=(6.5, 6.2), layout="constrained")
    axes = fig.subplots(len(panels), 1, sharex=True)
    for ax, (label, lines) in zip(axes, panels.items(), strict=True):
        for points, (colour, marker, line) in zip(lines.values(), LOOKS, strict=False):
            ax.plot(*zip(*points, strict=True), line, color=colour, marker=marker, linewidth=2, markersize=7)
        _label(ax, {what: points[-1][1] for what, points in lines.items()}, 100)
        ax.set(xscale="log", yscale="log", ylabel=label)
    axes[-1].set_xlabel("times as many")
    axes[-1].set_xticks([1, 10, 100], ["1", "10", "100"])
    _finish(fig, axes, title)
    return fig


def _ahead(points: Points, beyond: float) -> tuple[float, float]:
    """Where the line through the last two points is at that many names."""
    (n, first), (more, last) = points[-2:]
    return beyond, last + (last - first) / (more - n) * (beyond - more)


def _label(ax, ends: Mapping[str, float], x: float) -> None:
    """The name of each line at its right end, moved up where two would overlap."""
    lowest = 0.0
    for (_, (colour, _, _)), (what, y) in sorted(
        zip(enumerate(LOOKS), ends.items(), strict=False), key=lambda pair: pair[1][1]
    ):
        lowest = max(y, lowest * ROOM)
        look = {"fontsize": 10.5, "color": INK, "va": "center", "annotation_clip": False}
        ax.annotate(what, (x, y), (x * 1.25, lowest), **look)
        ax.plot([x * 1.06, x * 1.2], [y, lowest], color=colour, linewidth=1.2, clip_on=False)


def _finish(fig: DescribedFigure, axes: Sequence, title: str) -> None:
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=10)
        ax.xaxis.label.set_size(10.5)
        ax.yaxis.label.set_size(10.5)
        ax.grid(color="#dddddd")
        ax.set_axisbelow(True)
    fig.suptitle(title, fontsize=12)
