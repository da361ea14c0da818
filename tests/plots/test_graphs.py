"""Tests of lib.plots.graphs."""

import re

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lib import plots
from lib.data import make_windows
from lib.models import trained_model
from lib.plots.graphs import band, graph, graph_nodes, moved_logits, savings, seen_by
from lib.wavenet import CausalConv1d, dilated_receptive_field, repeating_taps, staged_to_dilated

PADDED = "........charlie"
DILATIONS = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


def columns(net):
    """How many columns each layer of a net of stages, or its dilated form, has computed."""
    return [stage.out.shape[:-1].numel() for stage in (net.stage1, net.stage2, net.stage3)]


def test_the_graphs_have_the_nodes_that_the_nets_compute():
    model, vocabulary = trained_model()
    net = staged_to_dilated(model)
    name = torch.tensor([vocabulary.encode(".charlie")])
    with torch.no_grad():
        model(make_windows(["charlie"], vocabulary)[0][7:])
        assert columns(model) == [len(row) for row in graph_nodes(".charlie", [7])[1:]] == [4, 2, 1]
        net(F.pad(name, (7, 0)))
        assert columns(net) == [len(row) for row in graph_nodes(PADDED)[1:]] == [14, 12, 8]
        net(name, taps=repeating_taps)
        assert columns(net) == [len(row) for row in graph_nodes(".charlie", repeating=True)[1:]] == [8, 8, 8]


def test_a_tree_reads_what_the_ladder_reads():
    rows = graph_nodes(".charlie", [7])
    for number, boxes in enumerate(plots.ladder_rows(".charlie")):
        assert [seen_by(".charlie", number, place) for place in rows[number]] == boxes


@given(DILATIONS, st.integers(1, 12), st.integers(2, 4))
def test_the_dilated_net_computes_what_its_outputs_need_and_every_other_column_that_has_its_taps(
    dilations, outputs, kernel
):
    T = dilated_receptive_field(kernel, dilations) - 1 + outputs
    rows, stack = (
        graph_nodes("x" * T, dilations=dilations, kernel=kernel),
        nn.Sequential(*[CausalConv1d(1, 1, kernel, d) for d in dilations]),
    )
    x = torch.zeros(1, T, 1)
    for number, (row, conv) in enumerate(zip(rows[1:], stack, strict=True), start=1):
        x = conv(x)
        assert row == list(range(T - x.shape[1], T))
        taps = {place - tap * dilations[number - 1] for place in row for tap in range(kernel)}
        assert taps <= set(rows[number - 1])
    needed = graph_nodes("x" * T, range(T - outputs, T), dilations, kernel=kernel)
    assert needed[-1] == rows[-1] and all(set(some) <= set(row) for some, row in zip(needed, rows, strict=True))


@given(DILATIONS, st.integers(1, 4))
def test_one_output_sees_the_tokens_that_its_graph_reads(dilations, kernel):
    T = dilated_receptive_field(kernel, dilations)
    text = "".join(chr(ord("a") + i) for i in range(T))
    read = graph_nodes(text, [T - 1], dilations, kernel=kernel)[0]
    assert seen_by(text, len(dilations), T - 1, dilations, kernel) == "".join(text[place] for place in read)


def test_a_graph_draws_a_line_for_each_of_its_taps():
    fig = graph("abcde", dilations=(2,), kernel=3)
    lines = [line for line in fig.axes[0].lines if len(line.get_xdata()) == 2]
    assert sorted(tuple(line.get_xdata()) for line in lines) == [(0, 4), (2, 4), (4, 4)]
    assert "layer 1, dilation 2 has 1 box (ace)" in fig.alt and "from the 3 that it reads" in fig.alt


def test_stop_marks_are_before_the_text():
    assert seen_by(".charlie", 3, 0) == "........" and seen_by(".charlie", 2, 2) == "..ch"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"text": ".charli"}, "columns 7 to 6"),
        ({"text": PADDED, "ends": [6]}, r"columns 7 to 14 of '\.+charlie'; got \[6\]"),
        ({"text": PADDED, "ends": [15]}, r"got \[15\]"),
        ({"text": PADDED, "ends": []}, r"got \[\]"),
        ({"text": PADDED, "dilations": (1, 0)}, r"at least 1 column; got \(1, 0\)"),
    ],
)
def test_graph_rejects_outputs_that_do_not_exist(arguments, message):
    for function in (graph_nodes, graph):
        with pytest.raises(ValueError, match=message):
            function(**arguments)


@pytest.mark.parametrize(
    ("arguments", "counts"),
    [
        ({"text": ".charlie", "ends": [7]}, (4, 2, 1)),
        ({"text": PADDED, "highlight": 14}, (14, 12, 8)),
        ({"text": ".charlie", "repeating": True}, (8, 8, 8)),
        ({"text": ".charlie", "dilations": (1, 4), "highlight": 7}, (7, 3)),
    ],
)
def test_the_description_counts_and_names_every_node(arguments, counts):
    described = graph(**arguments).alt
    assert tuple(int(n) for n in re.findall(r"has (\d+) box", described)) == counts
    assert f"{sum(counts)} boxes in all" in described
    dilations = arguments.get("dilations", (1, 2, 4))
    rows = graph_nodes(**{key: value for key, value in arguments.items() if key != "highlight"})
    for number, row in enumerate(rows[1:], start=1):
        assert f"({', '.join(seen_by(arguments['text'], number, place, dilations) for place in row)})" in described
    assert ("drawn dark" in described) == ("highlight" in arguments)
    assert ("before the first column" in described) == ("repeating" in arguments)
    assert ("stage 1" in described) == ("ends" in arguments) != ("layer 1, dilation 1" in described)


def texts(fig):
    return [text.get_text() for text in fig.axes[0].texts]


def test_the_picture_has_a_label_for_each_row_and_a_letter_for_each_token():
    shown = texts(graph(PADDED, highlight=14))
    assert shown[: len(PADDED)] == list(PADDED)
    assert [text for text in shown if len(text) > 1] == [
        "tokens",
        "layer 1\ndilation 1\n14 boxes",
        "layer 2\ndilation 2\n12 boxes",
        "layer 3\ndilation 4\n8 boxes",
    ]
    assert "stage 3\n1 box" in texts(graph(".charlie", [7]))


@pytest.mark.parametrize("repeating", [False, True])
def test_the_picture_has_two_lines_for_each_node_and_a_dot_for_each_gap(repeating):
    text = ".charlie" if repeating else PADDED
    rows = graph_nodes(text, repeating=repeating)
    lines = [line for line in graph(text, repeating=repeating).axes[0].lines if len(line.get_xdata()) == 2]
    dots = [line for line in graph(text, repeating=repeating).axes[0].lines if len(line.get_xdata()) == 1]
    nodes = sum(map(len, rows[1:]))
    assert len(lines) == 2 * nodes and len(dots) == len(text) * (len(rows) - 1) - nodes
    assert all(0 <= line.get_xdata()[0] <= line.get_xdata()[1] for line in lines)  # nothing comes from the right


def test_the_title_is_the_message_of_picture_and_description():
    fig = graph(".charlie", [7], title="One tree")
    assert fig.axes[0].get_title("left") == "One tree" and fig.alt.startswith("One tree. A graph of one tree")
    assert graph(".charlie", [7]).alt.startswith("A graph of one tree")


@pytest.mark.parametrize("arguments", [{"text": PADDED}, {"text": ".charlie", "repeating": True}])
def test_no_letter_is_smaller_than_ten_points_or_wider_than_its_stripe(arguments):
    fig = graph(**arguments)
    fig.draw_without_rendering()
    ax, boxes = fig.axes[0], fig.axes[0].patches
    letters = [text for text in ax.texts if len(text.get_text()) == 1]
    assert min(text.get_fontsize() for text in ax.texts) >= 10 and len(letters) >= 2 * len(arguments["text"])
    stripes = [patch.get_window_extent() for patch in boxes if patch.get_width() < 0.9]
    for text in letters:
        assert any(s.x0 <= text.get_window_extent().x0 and text.get_window_extent().x1 <= s.x1 for s in stripes)


def test_a_picture_of_fifteen_columns_is_not_wider_than_a_page():
    assert graph(PADDED).get_figwidth() < 7.2 and graph(".charlie").get_figwidth() < 6


def test_each_token_has_a_bar_as_high_as_its_largest_change():
    moved = torch.tensor([5.34, 2.0, 0.0])
    fig = moved_logits(moved, ".ch")
    assert [bar.get_height() for bar in fig.axes[0].patches] == pytest.approx(moved.tolist())
    assert "the stop mark 5.3, c 2.0, h 0.0" in fig.alt


def strengths(reach=4, outputs=3):
    """A band of ones, `reach` wide, the recent half ten times as strong."""
    T = outputs + reach - 1
    lag = torch.arange(reach - 1, T)[:, None] - torch.arange(T)
    return (lag >= 0).float() * (lag < reach) * torch.where(lag < reach // 2, 10.0, 1.0)


def test_the_band_is_described_as_it_is():
    described = band(strengths(), ".....c"[-6:], 4).alt
    assert "Coloured cells in a row: 4;" in described and "own: 0." in described and "In 3 of 3 rows" in described
    leaking = strengths()
    leaking[0, -1] = 1
    described = band(leaking, ".....c", 4).alt
    assert "Coloured cells in a row: 4 to 5;" in described and "own: 1." in described


def test_savings_tell_what_was_counted_and_draw_what_was_timed():
    fig = savings([2, 4, 8, 16], [1.0, 1.5, 2.3, 3.7], [0.9, 1.1, 1.9, 3.0])
    assert "1.0 at 2, 1.5 at 4, 2.3 at 8, 3.7 at 16" in fig.alt and "1.9" not in fig.alt
    counted, timed = fig.axes[0].lines[:2]
    assert list(counted.get_ydata()) == [1.0, 1.5, 2.3, 3.7] and list(timed.get_ydata()) == [0.9, 1.1, 1.9, 3.0]
