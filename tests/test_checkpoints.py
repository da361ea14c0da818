"""Tests of lib.checkpoints: files are replaced atomically, run no code, and hold all that a net needs."""

import os
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from lib import checkpoints
from lib.checkpoints import atomic_write, load_checkpoint, load_model, save_checkpoint, save_model
from lib.data import DATA, Vocabulary
from lib.layers import BatchNorm1d
from lib.models import flat_model, staged_model, trained_model
from lib.sampling import sample_names
from lib.training import FAST, Recipe, train
from lib.wavenet import WaveNet

VOCABULARY = Vocabulary(["abcdefghij"])
NETS = {
    "flat": lambda: flat_model(11, context=4, hidden=7),
    "staged": lambda: staged_model(11, 4, 5, 6, nn.GELU, residual=True),
    "staged, defaults": lambda: staged_model(11),
    "WaveNet": lambda: WaveNet(11, 6, [1, 2], blocks=2, embedding=3, norm=BatchNorm1d),
    "WaveNet without gates": lambda: WaveNet(11, 6, range(1, 3), gated=False, skip=False, norm=nn.LayerNorm),
    "double": lambda: flat_model(11, hidden=7).double(),
}


@pytest.mark.parametrize("make", NETS.values(), ids=NETS)
def test_loaded_net_is_the_saved_net(make, tmp_path):
    path, net = tmp_path / "net.pt", make()
    for buffer in net.buffers():  # running statistics, which are part of the net
        buffer.add_(1)
    save_model(path, net, VOCABULARY, val=1.5)
    before = torch.get_rng_state()
    loaded, vocabulary = load_model(path)
    assert torch.equal(torch.get_rng_state(), before)
    assert vocabulary.letters == VOCABULARY.letters and load_checkpoint(path)["facts"] == {"val": 1.5}
    assert str(loaded) == str(net) and loaded.context == net.context and not any(m.training for m in loaded.modules())
    ids = torch.randint(11, (3, net.context), generator=torch.Generator().manual_seed(0))
    assert torch.equal(loaded(ids), net.eval()(ids))
    assert len(sample_names(*load_model(path), 3)) == 3
    save_model(tmp_path / "again.pt", loaded, vocabulary, val=1.5)
    assert (tmp_path / "again.pt").read_bytes() == path.read_bytes()


def test_training_checkpoint_can_be_sampled_from_in_one_line(small, tmp_path):
    path, net = tmp_path / "net.pt", staged_model(27, hidden=16)
    options = {"recipe": replace(FAST, epochs=1), "progress": False, "checkpoint": path}
    stop = lambda step: 1 / (step - 3)
    with pytest.raises(ZeroDivisionError):
        train(net, small.train, **options, checkpoint_every=2, on_step=stop, vocabulary=small.vocabulary)
    train(net, small.train, **options)  # keeps the vocabulary of the file
    names = sample_names(*load_model(path), 10, generator=torch.Generator().manual_seed(0))
    assert names == sample_names(net, small.vocabulary, 10, generator=torch.Generator().manual_seed(0))


def test_settings_include_defaults():
    settings = {"vocabulary_size": 11, "context": 8, "embedding": 24, "hidden": 128, "activation": "torch.nn.Tanh"}
    assert staged_model(11).settings == {"net": "staged_model", **settings, "residual": False}


def test_stored_nets_are_read_by_load_model():
    for path in sorted(DATA.glob("*.pt")):
        net, vocabulary = load_model(path)
        assert (vocabulary is None) == path.name.startswith("sound") and load_checkpoint(path)["facts"]["seed"] == 0
        assert vocabulary is None or len(vocabulary) == net.embedding.num_embeddings
    assert len(trained_model()[1]) == 27


def test_wrong_nets_are_not_saved(tmp_path):
    nan = flat_model(11)
    nan.norm.running_var[0] = torch.nan
    for net, vocabulary, message in [
        (flat_model(12), VOCABULARY, "made for 12 characters, and the vocabulary has 11"),
        (nan, VOCABULARY, "the weights are NaN in norm.running_var"),
        (nn.Sequential(flat_model(11)), VOCABULARY, "no settings to build the net from; got None"),
        (staged_model(11, activation=lambda: nn.GELU()), VOCABULARY, "'<lambda>', which is not a layer"),
    ]:
        with pytest.raises(ValueError, match=message):
            save_model(tmp_path / "net.pt", net, vocabulary)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda saved: saved.pop("settings"), "it has no settings"),
        (lambda saved: saved.update(settings=None), "no settings to build the net from"),
        (lambda saved: saved["settings"].update(net="Sequential"), "Use a net made by flat_model"),
        (lambda saved: saved["settings"].update(net="staged_model"), "unexpected keyword|Missing key|size mismatch"),
        (lambda saved: saved["settings"].update(hidden=8), "size mismatch"),
        (lambda saved: saved["settings"].update(hidden="os.system"), "'os.system', which is not a layer"),
        (lambda saved: saved.update(characters=".abc"), "made for 11 characters, and the vocabulary has 4"),
        (lambda saved: saved.update(characters=".bacdefghij"), "are not the stop mark and then sorted letters"),
        (lambda saved: saved["weights"]["head.bias"].fill_(torch.nan), "the weights are NaN in head.bias"),
    ],
)
def test_load_model_says_what_does_not_fit(change, message, tmp_path):
    path = tmp_path / "net.pt"
    save_model(path, flat_model(11, hidden=7), VOCABULARY)
    saved = load_checkpoint(path)
    change(saved)
    save_checkpoint(path, saved)
    with pytest.raises(ValueError, match=f"(?s)net.pt' can't be loaded as a net: .*({message})"):
        load_model(path)


def test_load_checkpoint_runs_no_code(tmp_path):
    class Harmful:
        def __reduce__(self):
            return os.system, ("touch " + str(tmp_path / "harm"),)

    path = tmp_path / "net.pt"
    path.write_bytes(pickle.dumps(Harmful()))
    with pytest.raises(ValueError, match="can't be read as a checkpoint"):
        load_checkpoint(path)
    torch.save({"weights": Harmful()}, path)
    with pytest.raises(ValueError, match="can't be read as a checkpoint"):
        load_checkpoint(path)
    assert not (tmp_path / "harm").exists()


def test_load_checkpoint_reports_missing_and_truncated_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint at .*nowhere"):
        load_checkpoint(tmp_path / "nowhere.pt")
    path = tmp_path / "net.pt"
    save_checkpoint(path, {"weights": torch.zeros(1_000)})
    path.write_bytes(path.read_bytes()[:1_000])
    with pytest.raises(ValueError, match="Delete it to start again"):
        load_checkpoint(path)


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_atomic_write_replaces_all_or_nothing(step, tmp_path, monkeypatch):
    path = tmp_path / ("x" * 250)  # a name nearly as long as names can be
    atomic_write(path, "one\n")

    def full_disk(*args):
        assert path.read_bytes() == b"one\n"
        raise OSError("no space left")

    if step == "write":
        with pytest.raises(TypeError):
            atomic_write(path, 5)
    else:
        monkeypatch.setattr(checkpoints.os, step, full_disk)
        with pytest.raises(OSError, match="no space left"):
            atomic_write(path, "two\n")
        monkeypatch.undo()
    assert path.read_bytes() == b"one\n" and list(tmp_path.iterdir()) == [path]
    atomic_write(path, b"three")
    assert path.read_bytes() == b"three" and list(tmp_path.iterdir()) == [path]


def test_checkpoint_path_is_checked_before_training(small, make_model, tmp_path, monkeypatch):
    model, seen = make_model(), []
    for path, error, message in [
        (tmp_path / "runs" / "a.pt", FileNotFoundError, "does not exist. Create '.*runs' first"),
        (tmp_path, IsADirectoryError, "is a folder. Give the path of a file"),
    ]:
        with pytest.raises(error, match=message):
            train(model, small.train, progress=False, checkpoint=path, on_step=seen.append)
        with pytest.raises(error, match=message):
            save_model(path, model)
    with monkeypatch.context() as locked:

        def no_file(dir):
            raise PermissionError(13, "Permission denied")

        locked.setattr(checkpoints.tempfile, "NamedTemporaryFile", no_file)
        with pytest.raises(
            PermissionError, match="to the folder of .*: Permission denied. Give a path in another folder"
        ):
            train(model, small.train, progress=False, checkpoint=tmp_path / "a.pt", on_step=seen.append)
    with pytest.raises(ValueError, match="made for 27 characters, and the vocabulary has 11"):
        train(
            model, small.train, progress=False, checkpoint=tmp_path / "a.pt", on_step=seen.append, vocabulary=VOCABULARY
        )
    assert not seen and not list(tmp_path.iterdir())


def test_a_checkpoint_in_the_home_folder(small, make_model, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    recipe = Recipe("short", batch_size=8, lr=0.01, steps=2)
    train(make_model(), small.train, recipe=recipe, progress=False, checkpoint="~/a.pt")
    assert (tmp_path / "a.pt").is_file() and load_model("~/a.pt")[1] is None


def test_sampling_without_a_vocabulary_says_how_to_save_one(tmp_path):
    save_model(tmp_path / "net.pt", staged_model(27))
    with pytest.raises(ValueError, match="vocabulary=vocabulary"):
        sample_names(*load_model(tmp_path / "net.pt"), 1)


def test_a_net_that_was_changed_after_it_was_made_is_not_saved_as_the_one_it_was(tmp_path):
    net = staged_model(11)
    net.stage1.activation = nn.ReLU()
    with pytest.raises(ValueError, match="was changed after it was made"):
        save_model(tmp_path / "net.pt", net, VOCABULARY)


@pytest.mark.parametrize(("value", "kind"), [(np.int64(11), int), (np.float32(0.5), float), (np.bool_(True), bool)])
def test_numbers_of_numpy_are_saved_as_plain_ones(value, kind):
    assert type(checkpoints._plain(value)) is kind and type(checkpoints._plain([value])[0]) is kind


@pytest.mark.parametrize("part", ["characters", "weights", "history", "optimizer", "batches", "generator"])
def test_a_checkpoint_without_a_part_is_rejected_by_name(part, small, tmp_path):
    path, options = tmp_path / "run.pt", {"recipe": replace(FAST, epochs=None, steps=2), "progress": False}
    train(staged_model(27, hidden=16), small.train, **options, checkpoint=path)
    saved = load_checkpoint(path)
    del (saved if part in saved else saved["training"])[part]
    save_checkpoint(path, saved)
    with pytest.raises(ValueError, match=f"incomplete: it has no {part}"):
        train(staged_model(27, hidden=16), small.train, **options, checkpoint=path)
