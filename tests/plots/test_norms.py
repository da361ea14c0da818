"""Pictures of lesson 03: what is drawn follows from what is given."""

import torch
from matplotlib.patches import Rectangle, StepPatch

from lib.plots.norms import in_many_batches, saturation, shared_means


def test_saturation_draws_one_histogram_per_layer_with_the_mass_where_the_outputs_are():
    ends = torch.tensor([-1.0, 1.0]).repeat(50)
    fig = saturation({"dead": [ends] * 3, "alive": [torch.zeros(9, 9)] * 3})
    for ax, highest in zip(fig.axes, ({0, 59}, {30}), strict=True):
        layers = [patch for patch in ax.patches if isinstance(patch, StepPatch)]
        assert len(layers) == 3
        for number, layer in enumerate(layers, start=1):
            heights = layer.get_data().values
            assert set((heights > number + 0.8).nonzero()[0].tolist()) == highest
    assert [ax.get_title() for ax in fig.axes] == ["dead", "alive"]


def test_shared_means_frames_one_cell_each_or_a_whole_column():
    fig = shared_means(pairs=("ab", "cd"), channels=4)
    frames = [[p for p in ax.patches if isinstance(p, Rectangle) and p.get_width() == 0.9] for ax in fig.axes]
    assert list(map(len, frames)) == [8, 4]
    assert [ax.get_title() for ax in fig.axes] == ["dim 0: 8 means", "dims (0, 1): 4 means"]
    assert "8 frames" in fig.alt and "4 frames" in fig.alt


def test_in_many_batches_draws_both_modes():
    train, level = torch.arange(20.0), torch.ones(20)
    dots, line = in_many_batches(train, level).axes[0].lines
    assert dots.get_ydata().tolist() == train.tolist() and line.get_ydata().tolist() == level.tolist()
