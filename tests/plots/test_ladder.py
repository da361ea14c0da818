"""Tests of lib.plots.ladder."""

from itertools import pairwise

import pytest

from lib import plots


@pytest.mark.parametrize(
    ("window", "stages"),
    [(".charlie", (2, 2, 2)), ("..olivia", (4, 2)), ("abcdefgh", (8,)), ("ab", (2,)), ("abcdef", (3, 2))],
)
@pytest.mark.parametrize("strided", [False, True])
def test_a_ladder_keeps_every_letter_and_ends_in_one_box(window, stages, strided):
    rows = plots.ladder_rows(window, stages, strided)
    assert all(sorted("".join(boxes)) == sorted(window) for boxes in rows)
    assert [len(boxes) for boxes in rows][-1] == 1 and len(rows) == len(stages) + 1
    if not strided:
        assert all("".join(boxes) == window for boxes in rows)


def test_strided_pairs_are_half_a_row_apart():
    assert plots.ladder_rows(".charlie", (2, 2, 2), strided=True)[1] == [".r", "cl", "hi", "ae"]


@pytest.mark.parametrize("stages", [(3,), (2, 2), (2, 2, 2, 2), (0,)])
def test_ladder_rejects_stages_that_do_not_merge_the_window(stages):
    with pytest.raises(ValueError, match="must multiply to 8"):
        plots.ladder(".charlie", stages)


@pytest.mark.parametrize("stages", [(2, 2, 2), (4, 2)])
@pytest.mark.parametrize("strided", [False, True])
def test_arrows_lead_from_each_box_to_the_letters_it_becomes(stages, strided):
    window = "abcdefgh"
    ax = plots.ladder(window, stages, strided=strided).axes[0]
    arrows = [text for text in ax.texts if getattr(text, "arrow_patch", None)]
    rows = plots.ladder_rows(window, stages, strided)
    expected = [(box, "".join(above)) for below, above in pairwise(rows) for box in below]
    assert len(arrows) == len(expected)
    for arrow, (box, above) in zip(arrows, expected, strict=True):
        tip = above.index(box) + len(box) / 2  # middle of the letters of the box in the row above
        assert abs(arrow.xy[0] - tip) < 0.2


def test_the_description_names_every_box_and_shape():
    described = plots.ladder(".charlie").alt
    for boxes in plots.ladder_rows(".charlie"):
        assert ", ".join(boxes) in described
    for shape in ("(B, 8, 10)", "(B, 4, 20)", "(B, 2, 40)", "(B, 80)"):
        assert shape in described


@pytest.mark.parametrize("named", [True, False])
def test_the_layer_is_named_if_asked(named):
    texts = [text.get_text() for text in plots.ladder(named=named).axes[0].texts]
    assert texts.count("FlattenConsecutive(2)") == 3 * named and "(B, 4, 20)" in texts


def test_window_rows_show_every_window_and_target():
    fig = plots.window_rows("al", context=3)
    cells = [text.get_text() for text in fig.axes[0].texts if len(text.get_text()) == 1]
    assert "".join(cells) == "...a→" + "..al→" + ".al.→"
    assert "3 stop marks with target a" in fig.alt
