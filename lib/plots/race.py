"""The race of lesson 02: the validation losses of nets that are trained alike."""

from collections.abc import Mapping, Sequence

from lib.plots.style import DescribedFigure, styled

Curve = Sequence[tuple[int, float]]


@styled
def race(curves: Mapping[str, Curve]) -> DescribedFigure:
    """Validation loss against training steps, one line per net.

    Args:
        curves: from a net's name to its (steps done, validation loss in nats per character), as in `History.val`.
    """
    fig = DescribedFigure(_describe(curves), figsize=(7, 3.4), layout="constrained")
    ax = fig.subplots()
    for (name, curve), look in zip(curves.items(), ("s--", "o-", "D-.", "^:"), strict=False):
        ax.plot(*zip(*curve, strict=True), look, label=name)
    ax.set(xlabel="training steps", ylabel="validation loss, nats per character")
    ax.set_title("Two nets of one size arrive at the same loss")
    ax.legend()
    return fig


def _describe(curves: Mapping[str, Curve]) -> str:
    steps = ", ".join(str(step) for step, _ in next(iter(curves.values())))
    losses = [f"{name} {', '.join(f'{loss:.2f}' for _, loss in curve)}" for name, curve in curves.items()]
    return (
        "Validation loss of both nets during training: the lines fall side by side and end together. "
        f"Nats per character after {steps} steps: {'; '.join(losses)}."
    )
