"""Tests of lib.plots.race."""

from lib import plots

CURVES = {"flat": [(10, 2.5), (20, 2.11)], "tree": [(10, 2.6), (20, 2.12)]}


def test_each_net_is_a_line_through_its_losses():
    lines = plots.race(CURVES).axes[0].lines
    assert [line.get_label() for line in lines] == list(CURVES)
    for line, curve in zip(lines, CURVES.values(), strict=True):
        assert [tuple(point) for point in line.get_xydata()] == curve


def test_the_description_tells_steps_and_losses():
    assert "after 10, 20 steps: flat 2.50, 2.11; tree 2.60, 2.12." in plots.race(CURVES).alt
