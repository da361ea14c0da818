"""marks.csv between the grader and a spreadsheet: what a teacher typed counts, or is refused with its row; all is kept."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom.grading import attempt, marks, records
from classroom.grading.records import Refused

MANUAL = {"explain": 3}
STUDENTS = ["0012345", "1e5", "2-3", "=ada", "bo;b", "Zoë", "次郎"]
TEXTS = {student: f"An id is a label, says {student}." for student in STUDENTS}
ATTEMPTS = [
    records.Attempt(student, 1, "", "", attempt.Outcome(manual={"explain": text})) for student, text in TEXTS.items()
]
KNOWN = marks.answers(ATTEMPTS, MANUAL)


def fresh(folder, known=KNOWN):
    """marks.csv as the grader writes it, and its rows."""
    path = folder / "marks.csv"
    path.unlink(missing_ok=True)
    marks.add_rows(path, marks.Marks(), known)
    return path, list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))


def filled(rows, points="2,5", comment="schön, but: why?"):
    """The rows with the same mark for everybody."""
    return [rows[0], *([*row[:4], points, comment] for row in rows[1:])]


def save(path, rows, delimiter=",", coding="utf-8", **options):
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, **options).writerows(rows)
    mark = "\ufeff" if coding == "utf-16" and delimiter == ";" else ""
    path.write_bytes((mark + out.getvalue()).encode(coding, "replace"))


def points(path):
    read = marks.read(path, KNOWN)
    assert not read.refused
    return [read.points(attempt)["explain"] for attempt in ATTEMPTS]


def damaged(name):
    """What spreadsheets make of a text that looks like a number or a date."""
    return {"0012345": "12345", "1e5": "100000", "2-3": "2024-02-03"}.get(name, name)


SPREADSHEETS = {
    "semicolons": dict(delimiter=";"),
    "tabs": dict(delimiter="\t"),
    "utf-16": dict(delimiter="\t", coding="utf-16"),
    "utf-16 without a mark": dict(coding="utf-16-le"),
    "byte order mark": dict(coding="utf-8-sig"),
    "two byte order marks": dict(delimiter=";", coding="utf-16", lineterminator="\n"),
    "cp1252": dict(delimiter=";", coding="cp1252"),
    "old Mac": dict(coding="mac_roman", lineterminator="\r"),
    "all quoted": dict(quoting=csv.QUOTE_ALL),
}


@pytest.mark.parametrize("options", SPREADSHEETS.values(), ids=SPREADSHEETS)
def test_marks_count_whatever_a_spreadsheet_made_of_the_file(options, tmp_path):
    path, rows = fresh(tmp_path)
    rows = [[cell.upper() if place == 0 else damaged(cell) for cell in row] for place, row in enumerate(filled(rows))]
    save(path, [[*row[::-1], ""] for row in rows], **options)
    assert points(path) == [2.5] * len(STUDENTS)
    assert {*marks.read(path, KNOWN).comments(ATTEMPTS[0]).values()} == {"schön, but: why?"}
    before = path.read_bytes()
    marks.add_rows(path, marks.read(path, KNOWN), KNOWN)
    assert path.read_bytes() == before


def test_program_that_does_not_know_byte_order_marks_can_fill_it_in(tmp_path):
    path, _ = fresh(tmp_path)
    with open(path, encoding="utf-8", newline="") as file:
        rows = [row | {"points": "2.5"} for row in csv.DictReader(file)]
    with open(path, "w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0], quoting=csv.QUOTE_ALL)
        table.writeheader()
        table.writerows(rows)
    assert points(path) == [2.5] * len(STUDENTS)


def test_keys_are_left_alone_by_spreadsheets():
    keys = [marks.key(str(n), "explain", "a1") for n in range(500)]
    assert len({*keys}) == 500
    assert all(len(key) == 10 and {*key} <= {*marks.CONSONANTS} for key in keys)


TYPED = st.text(st.sampled_from("ab7,;\t\"'=-\n é|"), max_size=6)


@given(st.lists(st.lists(TYPED, max_size=8), max_size=4), st.permutations(range(1, 8)), st.sampled_from(",;\t"), TYPED)
def test_nothing_typed_is_lost_or_ignored_in_silence(tmp_path_factory, added, order, delimiter, typed):
    path, rows = fresh(tmp_path_factory.mktemp("marks"))
    rows = filled(rows, "2", typed)
    rows = [rows[0], *(rows[n] for n in order if n < len(rows)), *added]
    save(path, rows, delimiter)
    before = path.read_bytes().decode()
    read = marks.read(path, KNOWN)
    assert [read.points(attempt)["explain"] for attempt in ATTEMPTS] == [2] * len(ATTEMPTS)
    assert len(read.refused) == sum(any(map(str.strip, row)) for row in added)
    new = records.Attempt("new", 1, "", "", attempt.Outcome(manual={"explain": "A text."}))
    marks.add_rows(path, read, marks.answers([*ATTEMPTS, new], MANUAL))
    assert path.read_bytes().decode("utf-8-sig").startswith(before)
    assert [kept.read_bytes().decode() for kept in path.parent.glob("marks-backups/*")] == [before]


WRONG = {
    "from 0 to 3, got '02. Mai'": {4: "02. Mai"},
    "from 0 to 3, got '4'": {4: "4"},
    "from 0 to 3, got '-1'": {4: "-1"},
    "from 0 to 3, got 'nan'": {4: "nan"},
    "it has no key": {0: ""},
    "no answer has its key 'zzz'": {0: "zzz"},
    "its key belongs to 0012345": {1: "Zoë"},
    "its key belongs to the exercise explain": {2: "bigram"},
    "'of' says 2 instead of 3": {3: "2", 4: ""},
    "it has more cells than the header": {5: "good", 6: "but"},
}


@pytest.mark.parametrize("problem", WRONG)
def test_row_that_cannot_be_read_is_refused_by_number_and_the_others_count(problem, tmp_path):
    path, rows = fresh(tmp_path)
    rows = filled(rows)
    place = next(n for n, row in enumerate(rows) if row[1] == "0012345")
    rows[place] = [WRONG[problem].get(n, cell) for n, cell in enumerate([*rows[place], ""])]
    save(path, rows, ";")
    read, before = marks.read(path, KNOWN), path.read_bytes().decode()
    (refused,) = read.refused
    assert refused.startswith(f"row {place + 1} (") and problem in refused
    assert [read.points(attempt)["explain"] for attempt in ATTEMPTS] == [None] + [2.5] * (len(STUDENTS) - 1)
    marks.add_rows(path, read, KNOWN)
    assert path.read_bytes().decode("utf-8-sig").startswith(before)


def test_second_mark_for_one_key_is_refused_and_an_empty_copy_is_not(tmp_path):
    path, rows = fresh(tmp_path)
    rows = filled(rows)
    empty, other = [*rows[1][:4], "", ""], [*rows[1][:4], "1", ""]
    save(path, [*rows[:2], empty, rows[1], *rows[2:]])
    assert points(path) == [2.5] * len(STUDENTS)
    save(path, [*rows, other])
    (refused,) = marks.read(path, KNOWN).refused
    assert "another mark than row 2" in refused


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"student;exercise;answer;of;Punkte;Kommentar\n", "no row with the names"),
        (b"2,5;good\n", "no row with the names"),
        (b"key,points,comment,points\n", "two columns with the name 'points'"),
        (b'key,points,comment\nx,1,"never closed\n', "unexpected end of data"),
        (b"PK\x03\x04 an xlsx", "save it as CSV"),
        (b"", "no row with the names"),
    ],
)
def test_file_without_the_columns_is_refused_as_a_whole(data, why, tmp_path):
    path = tmp_path / "marks.csv"
    path.write_bytes(data)
    with pytest.raises(Refused, match=why):
        marks.read(path, KNOWN)
    assert path.read_bytes() == data


def test_file_from_before_there_were_keys_is_read(tmp_path):
    path, cells = (
        tmp_path / "marks.csv",
        [[a.student, a.exercise, a.digest, "3", "2,5", "good"] for a in KNOWN.values()],
    )
    save(path, [["student", "exercise", "answer", "of", "points", "comment"], *cells], ";")
    assert points(path) == [2.5] * len(STUDENTS)
    new = records.Attempt("new", 1, "", "", attempt.Outcome(manual={"explain": "A text."}))
    known = marks.answers([*ATTEMPTS, new], MANUAL)
    marks.add_rows(path, marks.read(path, known), known)
    assert marks.read(path, known).points(new) == {"explain": None} and ";explain;" in path.read_text("utf-8-sig")
    assert points(path)[0] == 2.5


def test_columns_of_the_teachers_own_are_named_and_kept(tmp_path):
    path, rows = fresh(tmp_path)
    save(path, [[*row, "look"] for row in filled(rows)])
    assert marks.read(path, KNOWN).ignored == ["look"] and points(path) == [2.5] * len(STUDENTS)


def test_comments_that_look_like_formulas_come_back_as_typed(tmp_path):
    known = marks.answers(ATTEMPTS[:1], MANUAL)
    for comment in ("-1: why?", "=)", "'quoted'", "@all"):
        path, rows = fresh(tmp_path, known)
        save(path, filled(rows, "1", comment))
        theirs, merged = marks.read(path, known), tmp_path / "merged" / "marks.csv"
        merged.unlink(missing_ok=True)
        marks.add_rows(merged, marks.Marks(), known, theirs.rows)
        assert [marks.read(file, known).comments(ATTEMPTS[0]) for file in (path, merged)] == [{"explain": comment}] * 2
