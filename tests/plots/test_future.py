"""Tests of lib.plots.future."""

import torch

from lib.plots import future as plots_future

TEXT = "..charlie"
CAUSAL = torch.ones(3, 9) * ~plots_future.future(3, 9)


def test_the_future_of_the_last_tokens():
    assert plots_future.future(3, 5).int().tolist() == [[0, 0, 0, 1, 1], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]
    assert plots_future.future(2, 2).int().tolist() == [[0, 1], [0, 0]]


def test_leaks_are_counted_however_small():
    leaking = CAUSAL.clone()
    leaking[0, 8] = 1e-12
    assert plots_future.leaks(CAUSAL) == 0 and plots_future.leaks(leaking) == 1


def test_the_description_of_the_maps_counts_what_leaks():
    leaking = CAUSAL.clone()
    leaking[0, 7] = leaking[1, 8] = 1e-9
    described = plots_future.dependence_maps({"good": CAUSAL, "bad": leaking}, TEXT, "Two nets").alt
    assert "good: 0 of 3 leak" in described and "bad: 2 of 3 leak" in described
    assert described.startswith("Two nets.") and TEXT in described and "up to 9 tokens" in described


def test_a_leak_however_weak_is_drawn():
    """White means a gradient of exactly zero, so a weak one must not be white, and must not look like the past."""
    leaking = CAUSAL.clone()
    leaking[0, 8] = 1e-12
    fig = plots_future.dependence_maps({"a": leaking, "b": CAUSAL}, TEXT, "Two nets")
    first, second = (torch.as_tensor(ax.images[0].get_array()) for ax in fig.axes[:2])
    assert (second[0, 8] == 1).all() and (first[0, 8] < 1).any()
    past, future = first[0, 0], first[0, 8]
    assert past[2] > past[0] and future[0] > future[2]  # blue against vermilion


def test_each_panel_counts_its_leaks_and_one_map_has_one_panel():
    fig = plots_future.dependence_maps({"a": CAUSAL}, TEXT, "One net")
    assert [ax.get_title() for ax in fig.axes] == ["a: 0 of 3 leak"] and fig.get_suptitle() == "One net"
    three = plots_future.dependence_maps(dict.fromkeys("abc", CAUSAL), TEXT, "Three nets")
    assert sum(bool(ax.images) for ax in three.axes) == 3


def test_the_answer_is_in_the_mean_of_a_whole_name_only():
    fig = plots_future.shared_means("charlie", after=3)
    whole, window = ([patch.get_linestyle() for patch in ax.patches] for ax in fig.axes)
    assert len(whole) == 12 and set(whole) == {"-"}
    assert len(window) == 9 and window.count("--") == 1 and window[8] == "--"
    assert ".....charlie" in fig.alt and "the answer r is outside" in fig.alt
