"""Tests of lib.lists: lists of words that were not typed for this course."""

import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lib.data import load_names
from lib.lists import clean

# Characters that spoil lists: joiners, marks of byte order and direction, blanks, variants, dots, letters that need them.
TRICKY = "aiIİı\u0307\u0301\u200b\u200c\u200d\u200e\u00ad\ufeff\u00a0\u3000\ufe0f\u3164\u0345Σσاмক্❤👩🏽葛.-'"


@given(st.text(TRICKY) | st.text())
@example("\u2764\x96\u200d\x95")
def test_cleaning_again_changes_nothing(word):
    assert clean(clean(word)) == clean(word)


@pytest.mark.parametrize(
    "hidden", [*"\u200b\u200c\u200d\u200e\u202a\u2060\ufeff\u00ad\u061c\ufe0f\u034f\u115f\u3164\u2800"]
)
def test_what_nobody_sees_makes_no_second_name(tmp_path, hidden):
    path = tmp_path / "names.txt"
    spoiled = [f"an{hidden}na", f"anna{hidden}", f"{hidden}anna", f"{hidden} anna", hidden, "bert"]
    path.write_text("\n".join(["bert", *spoiled]), encoding="utf-8")
    with pytest.warns(UserWarning, match=r"names.txt: 6, in 5 of 7 lines, the first 'an\\"):
        assert load_names(path) == ["bert", "anna"]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("İzmir", "izmir"),
        ("I\u0307zmir", "izmir"),
        ("Anna\u00a0Maria", "anna maria"),
        ("Lee, Ann", "lee, ann"),
        *(
            (word, word)
            for word in ("می\u200cخواهم", "क्\u200dष", "👩\u200d👩\u200d👧", "❤\ufe0f", "👍🏽", "葛\U000e0100", "2pac")
        ),
        *((word, word) for word in ("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "o'neil-smith")),
    ],
)
def test_what_scripts_need_stays(tmp_path, line, word):
    path = tmp_path / "names.txt"
    path.write_text(f"{line}\nbert\n", encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_names(path) == [word, "bert"]


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        (b"Emma\nOlivia\n", ["emma", "olivia"]),
        (b"Emma\r\n\r\n  Olivia  \r\nemma", ["emma", "olivia"]),
        (b"\xef\xbb\xbfemma\nolivia", ["emma", "olivia"]),
        ("Zoë\nJosé\nO'Neil\n".encode(), ["zoë", "josé", "o'neil"]),
        ("Zoe\u0308\nzoë\nжанна".encode(), ["zoë", "жанна"]),
    ],
)
def test_load_names_reads_other_files(tmp_path, raw, names):
    path = tmp_path / "my own names.txt"
    path.write_bytes(raw)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_names(path) == names
    assert load_names(str(path)) == names


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"emma\xff\xfe\n", "not UTF-8 text: byte 0xff at position 4"),
        ("emma\nolivia".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04 emma\nolivia", "control character"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, raw, message):
    path = tmp_path / "names.txt"
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=message):
        load_names(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,sex,count\nMary,F,7065\nAnna,F,2604\n", "table.* a comma.*column 1 of 3, 'name' to 'Anna'"),
        ("7065;Mary\n2604;Anna\n", "a semicolon.*column 2 of 2, 'Mary' to 'Anna'"),
        ("1\tMary\n2\tAnna\n", "a tab.*column 2 of 2"),
        ('"Mary, Ann"\n"Lee, Jo"\n', "a comma"),
        ("Mary 7,065\nAnna 2604\n", "a number after each name.*'Anna 2604'"),
        ('"Mary"\n"Anna"\n', "in quotes"),
        ("Name\nMary\nAnna\n", "line 1 .*'Name', a heading"),
        ("{\\rtf1\\ansi\nMary\n", "another program"),
        ("<html>\nMary\n", "another program"),
        ('["Mary",\n"Anna"]', "another program"),
    ],
)
def test_a_table_is_refused(tmp_path, text, message):
    path = tmp_path / "names.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        load_names(path)
