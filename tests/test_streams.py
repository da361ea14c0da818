"""Tests of lib.streams: a stream has the windows of `make_windows`, a byte per character, and trains to the same bits."""

from dataclasses import replace

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lib.data import DATA, Vocabulary, load_names, make_windows
from lib.streams import Stream, make_stream, open_stream, write_stream
from lib.training import FAST, QUICK, evaluate, train

NAMES = load_names()[:1_000]
VOCABULARY = Vocabulary(NAMES)
ARMS = ("int64 windows", "stream in memory", "stream in a file")
SHORT = replace(FAST, name="short", batch_size=64, epochs=0.5)


@given(st.lists(st.text("abcé", min_size=1, max_size=12), min_size=1, max_size=20), st.integers(1, 10))
def test_windows_are_those_of_make_windows(names, context):
    vocabulary = Vocabulary(["abcé"])
    X, Y = make_windows(names, vocabulary, context)
    ours = make_stream(iter(names), vocabulary, context).windows(torch.arange(len(Y)))
    assert torch.equal(ours[0], X) and torch.equal(ours[1], Y)
    assert ours[0].dtype == ours[1].dtype == torch.int64


def test_a_character_takes_one_byte_in_memory_and_in_the_file(tmp_path):
    stream = make_stream(NAMES, VOCABULARY)
    characters = sum(len(name) + 1 for name in NAMES)
    assert stream.ids.nbytes == characters == write_stream(tmp_path / "names.ids", iter(NAMES), VOCABULARY)
    assert (tmp_path / "names.ids").stat().st_size == characters


@pytest.mark.parametrize(("letters", "dtype"), [(255, torch.uint8), (256, torch.int16), (33_000, torch.int32)])
def test_ids_take_the_bytes_that_the_vocabulary_needs(tmp_path, letters, dtype):
    alphabet = [chr(0x4E00 + n) if n < 20_000 else chr(0x20000 + n) for n in range(letters)]
    vocabulary = Vocabulary(alphabet)
    names = ["".join(alphabet[-4:]), alphabet[0]]
    stream = make_stream(names, vocabulary, 3)
    X, Y = make_windows(names, vocabulary, 3)
    write_stream(tmp_path / "names.ids", names, vocabulary)
    for some in (stream, open_stream(tmp_path / "names.ids", vocabulary, 3)):
        assert some.ids.dtype == dtype and torch.equal(some.windows(torch.arange(len(Y)))[0], X)
    assert int(Y.max()) == letters


@pytest.mark.parametrize("change", [{}, {"replacement": True}])
def test_training_gives_the_losses_of_int64_windows_bit_for_bit(make_model, tmp_path, change):
    recipe, results = replace(SHORT, **change), []
    write_stream(tmp_path / "names.ids", NAMES, VOCABULARY)
    windows = make_windows(NAMES, VOCABULARY)
    for data in (windows, make_stream(NAMES, VOCABULARY), open_stream(tmp_path / "names.ids", VOCABULARY)):
        model = nn.Sequential(make_model(), nn.Dropout(0.1))
        history = train(model, data, data, recipe, progress=False)
        results.append((history.train, history.val, evaluate(model, windows)))
    assert results[0] == results[1] == results[2] and len(results[0][0]) == recipe.total_steps(len(windows[1]))


def test_training_resumes_on_a_stream_and_not_on_another(make_model, tmp_path):
    given = {"recipe": replace(SHORT, epochs=0.1), "progress": False, "checkpoint": tmp_path / "run.pt"}
    train(make_model(), make_stream(NAMES, VOCABULARY), **given)
    again = train(make_model(), make_stream(NAMES, VOCABULARY), **given)
    assert len(again.train) == again.steps
    for other in (make_stream(NAMES[1:], VOCABULARY), Stream(make_stream(NAMES, VOCABULARY).ids, 4)):
        model = make_model()
        del model.context
        with pytest.raises(ValueError, match="different training run: expected windows"):
            train(model, other, **given)


def test_streams_that_do_not_fit_are_refused(make_model, tmp_path):
    path, stream = tmp_path / "names.ids", make_stream(NAMES, VOCABULARY)
    for wrong, message in [
        (Stream(stream.ids[:0]), "ends with a stop mark"),
        (Stream(stream.ids[:2]), "ends with a stop mark"),
        (Stream(stream.ids, 4), "windows of 8 characters, the stream for 4"),
        (Stream(torch.cat([stream.ids[:-1], torch.tensor([99, 0], dtype=torch.uint8)])), "holds ids up to 99"),
    ]:
        with pytest.raises(ValueError, match=message):
            train(make_model(), wrong, progress=False)
    with pytest.raises(ValueError, match="sequences and streams have no teacher"):
        train(make_model(), stream, recipe=QUICK, progress=False)
    for names, message in [([], "at least one name"), (["a.b"], "stop mark"), (["Ä"], "lacks")]:
        with pytest.raises(ValueError, match=message):
            make_stream(names, VOCABULARY)
    with pytest.raises(FileNotFoundError, match="write_stream writes one"):
        open_stream(path, VOCABULARY)
    write_stream(path, NAMES, VOCABULARY)
    with pytest.raises(ValueError, match="another vocabulary"):
        open_stream(path, Vocabulary(["abc"]))
    with pytest.raises(ValueError, match="context of at least 1"):
        open_stream(path, VOCABULARY, 0)


def test_measured_streams_train_as_windows_do_and_need_less():
    rows = pd.read_csv(DATA / "evidence" / "scale.csv").query("experiment == 'names'").set_index(["names", "arm"])
    assert len(rows) == 9 and (rows.groupby("names").val.nunique() == 1).all()
    for _, arms in rows.groupby("names"):
        windows, memory, file = (arms.xs(arm, level="arm").iloc[0] for arm in ARMS)
        assert windows.bytes == 72 * memory.bytes == 72 * file.bytes == 72 * windows.windows
        assert file.peak < windows.peak and file.kept < windows.kept
