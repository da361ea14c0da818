"""Laws of lib.plots."""

import re

import matplotlib.pyplot as plt
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
def test_stages_that_do_not_merge_the_window_are_refused(stages):
    with pytest.raises(ValueError, match="must multiply to 8"):
        plots.ladder(".charlie", stages)


def test_the_description_names_every_box_and_shape():
    described = plots.describe_ladder(".charlie")
    for boxes in plots.ladder_rows(".charlie"):
        assert ", ".join(boxes) in described
    for shape in ("(B, 8, 10)", "(B, 4, 20)", "(B, 2, 40)", "(B, 80)"):
        assert shape in described


def test_figures_are_not_pyplots():
    """JupyterLab answers widgets in a second thread, and pyplot's open figures would be drawn by both."""
    plots.ladder(), plots.window_rows()
    assert plt.get_fignums() == []


def test_every_letter_of_charlie_has_a_colour_of_its_own_that_others_do_not_take():
    assert len({plots.letter_colour(letter) for letter in ".charlie"}) == 8
    assert plots.letter_colour("o", "..olivia") not in {plots.letter_colour(letter, "..olivia") for letter in ".lia"}
    assert plots.letter_colour("é", "é").startswith("#")


def test_show_gives_the_description_as_alternative_text_and_as_caption(monkeypatch):
    shown = []
    monkeypatch.setattr(plots, "display", shown.append)
    plots.show(plots.ladder(), 'A ladder "read" from <bottom> to top, with every letter in its colour.')
    page = shown[0]._repr_html_()
    escaped = "A ladder &quot;read&quot; from &lt;bottom&gt; to top, with every letter in its colour."
    assert f'alt="{escaped}"' in page and f"<small>{escaped}</small>" in page
    assert re.search(r'src="data:image/png;base64,iVBOR[A-Za-z0-9+/=]+"', page)
    assert repr(shown[0]).startswith("Figure: A ladder")
    with pytest.raises(ValueError, match="at least 40 characters; got 8"):
        plots.show(plots.ladder(), "A ladder")


def test_the_same_figure_gives_the_same_bytes():
    assert plots.png_of(plots.ladder()) == plots.png_of(plots.ladder())
