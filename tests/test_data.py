"""Tests of lib.data."""

import csv
import hashlib
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lib.data import DATA, Vocabulary, load_names, make_windows, split_names

name_lists = st.lists(st.text("abcdeé'", min_size=1, max_size=12), min_size=1, max_size=30)


def test_names_txt_matches_its_description():
    names = load_names()
    assert len(names) == len(set(names)) == 29_619
    assert set("".join(names)) == set("abcdefghijklmnopqrstuvwxyz")
    assert (min(map(len, names)), max(map(len, names))) == (2, 15)
    recorded = (DATA / "README.md").read_text(encoding="utf-8")
    for file in ("names.txt", "names.csv"):
        assert hashlib.sha256((DATA / file).read_bytes().replace(b"\r\n", b"\n")).hexdigest() in recorded, (
            f"data/README.md has another checksum of {file}"
        )


def test_names_csv_has_the_same_names_most_frequent_first():
    with open(DATA / "names.csv", newline="", encoding="ascii") as file:
        rows = [(row["name"], int(row["girls"]), int(row["boys"])) for row in csv.DictReader(file)]
    assert [name for name, _, _ in rows] == load_names()
    assert sum(girls > 0 and boys > 0 for _, girls, boys in rows) == 2_559
    assert rows == sorted(rows, key=lambda row: (-row[1] - row[2], row[0]))


def test_load_names_keeps_duplicates_if_unique_is_false(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("emma\nEmma\nava\n")
    assert load_names(path, unique=False) == ["emma", "emma", "ava"]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "at least two different names .* got 0"),
        (b"\n \r\n", "got 0"),
        (b"emma\nEMMA\n", "got 1"),
        (b"emma\nst.john\n", "line 2 .*'st.john'.*stop mark"),
    ],
)
def test_load_names_rejects_bad_files(tmp_path, raw, message):
    path = tmp_path / "names.txt"
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=message):
        load_names(path)


def test_load_names_reports_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file at .*nowhere.txt"):
        load_names(tmp_path / "nowhere.txt")
    with pytest.raises(FileNotFoundError, match="a folder"):
        load_names(tmp_path)


@given(name_lists, st.integers(0, 5))
def test_split_names_is_a_partition_and_does_not_change_its_input(names, seed):
    before = list(names)
    train, val, test = split_names(names, seed)
    assert names == before
    assert sorted(train + val + test) == sorted(names)
    assert (len(train), len(train + val)) == (int(0.8 * len(names)), int(0.9 * len(names)))


def test_split_names_is_the_lectures_split():
    names = [str(number) for number in range(100)]
    expected = names.copy()
    random.Random(42).shuffle(expected)
    assert split_names(names) == (expected[:80], expected[80:90], expected[90:])
    assert split_names(names, seed=1) != split_names(names)


def test_split_names_does_not_touch_the_global_generator():
    drawn = []
    for seed in (0, 1):
        random.seed(seed)
        split_names(["emma", "olivia", "ava"])
        drawn.append(random.random())
    assert drawn[0] != drawn[1]


@given(name_lists)
def test_vocabulary_is_the_stop_mark_and_then_sorted_letters(names):
    vocabulary = Vocabulary(names)
    assert vocabulary.decode(range(len(vocabulary))) == "." + "".join(sorted(set("".join(names))))
    assert vocabulary.characters == vocabulary.letters == tuple(vocabulary.decode(range(len(vocabulary))))
    for name in names:
        assert vocabulary.decode(vocabulary.encode(name)) == name
        assert vocabulary.decode(torch.tensor(vocabulary.encode(name))) == name
        assert 0 not in vocabulary.encode(name)


def test_vocabulary_rejects_bad_input():
    with pytest.raises(ValueError, match="empty list"):
        Vocabulary([])
    with pytest.raises(ValueError, match="stop mark"):
        Vocabulary(["st.john"])
    with pytest.raises(ValueError, match="one string"):
        Vocabulary("emma")
    with pytest.raises(ValueError, match=r"\['E'\].*lower case"):
        Vocabulary(["emma"]).encode("Emma")
    with pytest.raises(ValueError, match=r"0 to 3, got \[4, -1\]"):
        Vocabulary(["emma"]).decode([1, 4, -1])


@given(name_lists, st.integers(1, 10))
def test_windows_equal_a_plain_loop(names, context):
    vocabulary = Vocabulary(names)
    X, Y = make_windows(names, vocabulary, context)
    expected_X, expected_Y = [], []
    for name in names:
        window = [0] * context
        for number in [*vocabulary.encode(name), 0]:
            expected_X.append(window)
            expected_Y.append(number)
            window = [*window[1:], number]
    assert X.dtype == Y.dtype == torch.int64
    assert X.tolist() == expected_X
    assert Y.tolist() == expected_Y


def test_windows_of_the_project_list():
    names = load_names()
    vocabulary = Vocabulary(names)
    windows = [make_windows(part, vocabulary) for part in split_names(names)]
    assert [tuple(X.shape) for X, _ in windows] == [(169_801, 8), (21_231, 8), (21_224, 8)]
    assert [len(Y) for _, Y in windows] == [169_801, 21_231, 21_224]


def test_make_windows_rejects_bad_input():
    vocabulary = Vocabulary(["emma"])
    with pytest.raises(ValueError, match="empty list"):
        make_windows([], vocabulary)
    with pytest.raises(ValueError, match="at least 1 time step; got 0"):
        make_windows(["emma"], vocabulary, context=0)
    with pytest.raises(ValueError, match=r"'em\.ma' contains"):
        make_windows(["emma", "em.ma"], vocabulary)
    with pytest.raises(ValueError, match=r"\['o'\].*lacks"):
        make_windows(["emma", "o"], vocabulary)
