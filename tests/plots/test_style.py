"""Tests of lib.plots.style, and of what holds for every figure of lib.plots."""

import base64
import importlib
import io
import warnings

import matplotlib.pyplot as plt
import pandas as pd
import pytest
import torch
from PIL import Image

from lib import plots
from lib.data import DATA
from lib.evidence.claims import Claim
from lib.plots import style
from lib.plots.counting import bigram_table, count_curve
from lib.plots.evidence import bootstrap_plot, chance_plot, interval_plot
from lib.plots.future import dependence_maps
from lib.plots.graphs import graph
from lib.plots.memory import label_strip, queue_picture
from lib.plots.scale import growth, growth_lines
from lib.plots.wavenet import layer_flow, parts_figure

ALT = 'A ladder "read" from <bottom> to .top, e.g. upwards. It has every letter in its colour.'
LOSSES = {"plain": torch.tensor([2.05, 2.06, 2.07]), "+ better": torch.tensor([2.03, 2.04, 2.05])}
FIGURES = {
    "ladder": plots.ladder,
    "windows": lambda: plots.window_rows("anna"),
    "bigram": lambda: bigram_table(torch.full((27, 27), 1 / 27), ".abcdefghijklmnopqrstuvwxyz"),
    "curve": lambda: count_curve([2.8, 2.3, 2.0], [2.8, 2.4, 2.5]),
    "graph": lambda: graph(".charlie", repeating=True, highlight=3),
    "layer": layer_flow,
    "maps": lambda: dependence_maps({title: torch.ones(3, 9) for title in "abc"}, "..charlie", "Maps"),
    "queues": queue_picture,
    "parts": lambda: parts_figure(LOSSES, ("another net", 1.998)),
    "names": lambda: label_strip({"a": torch.tensor([30, 10])}, "Three in four"),
    "claims": lambda: interval_plot([Claim("1a", "a is below b", torch.tensor([0.1, 0.2]), "nats")], "A"),
    "chance": lambda: chance_plot(LOSSES),
    "growth": lambda: growth_lines(growth(pd.read_csv(DATA / "evidence" / "scale.csv")), "What grows"),
    "bootstrap": lambda: bootstrap_plot(torch.linspace(-1, 1, 50), -0.9, 0.9),
}


@pytest.fixture
def shown(monkeypatch):
    pictures = []
    monkeypatch.setattr(style, "display", lambda picture: pictures.append(picture._repr_mimebundle_()))
    return pictures


def test_show_stores_description_caption_and_png(shown):
    plots.show(plots.ladder(), ALT)
    plots.show(plots.ladder(), ALT, "Upwards.")
    first, second = (bundle["text/html"] for bundle in shown)
    escaped = "A ladder &quot;read&quot; from &lt;bottom&gt; to .top, e.g. upwards."
    assert f'alt="{escaped} It has every letter in its colour."' in first and f"<small>{escaped}</small>" in first
    assert "<small>Upwards.</small>" in second and f'alt="{escaped} It' in second
    assert shown[0]["text/plain"] == f"Figure: {ALT}"
    assert base64.b64decode(shown[0]["image/png"]).startswith(b"\x89PNG")
    assert f'src="data:image/png;base64,{shown[0]["image/png"]}"' in first


def test_show_takes_the_description_of_the_figure(shown):
    figure = plots.ladder(".charlie", strided=True)
    plots.show(figure)
    assert shown[0]["text/plain"] == f"Figure: {figure.alt}"


@pytest.mark.parametrize(("alt", "length"), [("A ladder", 8), (None, 0)])
def test_show_rejects_figures_without_description(alt, length):
    with pytest.raises(ValueError, match=f"at least 40 characters; got {length}"):
        plots.show(plt.Figure(), alt)


def test_show_closes_pyplot_figures(shown):
    plots.show(plt.subplots()[0], ALT)
    assert plt.get_fignums() == []


def test_text_has_one_size_in_all_pictures():
    for fig in (plots.ladder(), plots.window_rows("al", 3), plt.Figure(figsize=(3, 2))):
        picture = style.Picture(fig, ALT)
        pixels = Image.open(io.BytesIO(base64.b64decode(picture.png))).width
        assert pixels / style.DPI == pytest.approx((picture.width - 2 * style.PADDING) / 96, abs=0.02)
        assert f";width:{picture.width}px;" in picture.html


@pytest.mark.parametrize("name", FIGURES)
def test_figures_do_not_depend_on_the_readers_style(name):
    expected = plots.png_of(FIGURES[name](), dpi=40)
    with plt.style.context(["dark_background", {"font.family": "No Such Font", "font.size": 20}]):
        assert plots.png_of(FIGURES[name](), dpi=40) == expected
        assert plt.rcParams["font.size"] == 20


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_not_pyplots(name):
    """JupyterLab runs widgets in a second thread, and both would draw pyplot's open figures."""
    FIGURES[name]()
    assert plt.get_fignums() == []


def test_importing_plots_resets_the_style_of_pyplot():
    with plt.style.context(["dark_background", {"font.family": "No Such Font"}]):
        importlib.reload(plots)
        assert plt.rcParams["text.color"] == "black" and plt.rcParams["font.family"] == ["sans-serif"]
        assert plt.rcParams["axes.prop_cycle"].by_key()["color"][0] == style.BLUE


def test_a_dark_pyplot_figure_keeps_its_background():
    with plt.style.context("dark_background"):
        picture = Image.open(io.BytesIO(plots.png_of(plt.Figure(), dpi=40)))
    assert picture.convert("RGB").getpixel((0, 0)) == (0, 0, 0)


def test_letters_of_charlie_have_their_own_colours_and_others_none():
    assert len({plots.letter_colour(letter) for letter in ".charlie"}) == 8
    assert {plots.letter_colour(letter) for letter in "ové"} == {"white"}


def test_a_letter_without_glyph_is_drawn_as_its_code_point(monkeypatch):
    fonts = [
        font
        for font in style.fontManager.ttflist
        if font.name in ("DejaVu Sans", "DejaVu Sans Mono", "Last Resort High-Efficiency")
    ]
    monkeypatch.setattr(style.fontManager, "ttflist", fonts)
    style._glyph.cache_clear()
    with pytest.warns(UserWarning, match="numbers instead. .* such as Noto Sans CJK") as said:
        fig = plots.window_rows("さくא")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plots.png_of(fig, dpi=40)
    assert len(said) == 1, "one sentence for a script"
    style._glyph.cache_clear()
    style._missing.cache_clear()
    texts = {text.get_text(): text.get_fontname() for text in fig.axes[0].texts}
    assert texts["3055"] == texts["304F"] == "DejaVu Sans Mono" and texts["א"] == "DejaVu Sans"
