"""Tests of lib.distributed that need no second process; those that do are in tests/slow."""

from dataclasses import replace

import pytest
import torch

from lib import distributed
from lib.data import make_windows
from lib.distributed import MergedBatchNorm1d, merge_batch_norm
from lib.layers import BatchNorm1d
from lib.training import FAST, QUICK, train
from lib.wavenet import WaveNet, make_sequences

SHORT = replace(FAST, batch_size=64, epochs=None, steps=3)


def test_alone_nothing_changes(make_model):
    model, rows = make_model(), torch.arange(5)
    assert distributed.parallel(model, rows, 5) is model and distributed.share(rows) is rows
    assert distributed.is_first() and distributed.processes() == 1 and distributed.mean(0.1) == 0.1


def test_merging_replaces_each_batch_norm_and_keeps_its_numbers(small, make_model):
    model, merged = make_model(), make_model()
    train(model, small.train, recipe=SHORT, progress=False)
    merged.load_state_dict(model.state_dict())
    merge_batch_norm(merged)
    kinds = [type(layer) for layer in merged.modules() if isinstance(layer, BatchNorm1d)]
    assert kinds == [MergedBatchNorm1d] * 3 and merged.state_dict().keys() == model.state_dict().keys()
    for training in (True, False):
        model.train(training), merged.train(training)
        assert torch.equal(merged(small.val[0]), model(small.val[0]))


def test_merged_statistics_are_batch_norms(monkeypatch):
    """Of two processes with a share each; what the other one adds to the sums is known beforehand."""
    torch.manual_seed(0)
    both, ours, plain = torch.randn(12, 4, 3).double(), MergedBatchNorm1d(3).double(), BatchNorm1d(3).double()
    other = both[6:].reshape(-1, 3)
    theirs = iter([other.sum(0), (other - both.mean((0, 1))).square().sum(0)])
    monkeypatch.setattr(distributed, "processes", lambda: 2)
    monkeypatch.setattr(distributed.dist, "all_reduce", lambda total: total.add_(next(theirs)))
    torch.testing.assert_close(ours(both[:6]), plain(both)[:6])
    torch.testing.assert_close(ours.running_mean, plain.running_mean)
    torch.testing.assert_close(ours.running_var, plain.running_var)
    with pytest.raises(ValueError, match="expected 3 channels"):
        ours(both[:, :, :2])


@pytest.mark.parametrize("wrong", ["batch size", "distinct", "sequences"])
def test_shares_whose_mean_is_not_the_batchs_gradient_are_refused(small, make_model, monkeypatch, wrong):
    monkeypatch.setattr(distributed, "processes", lambda: 2)
    model, data, recipe = make_model(), small.train, SHORT
    if wrong == "batch size":
        recipe = replace(SHORT, batch_size=63)
    elif wrong == "distinct":
        recipe = replace(QUICK, steps=3)
    else:
        model = WaveNet(len(small.vocabulary), 8, (1, 2, 4))
        data = make_sequences(["emma", "ava"], small.vocabulary, model.receptive_field)
    with pytest.raises(ValueError, match="2 processes need equal shares of every batch"):
        train(model, data, recipe=recipe, progress=False)


def test_only_the_first_process_writes_a_checkpoint(small, make_model, monkeypatch, tmp_path):
    monkeypatch.setattr("lib.checkpoints.is_first", lambda: False)
    train(make_model(), make_windows(["emma", "ava"], small.vocabulary), recipe=SHORT, checkpoint=tmp_path / "run.pt")
    assert list(tmp_path.iterdir()) == []
