"""deadlines.csv, comments.csv, and what others read: what a teacher writes counts or is refused with its row."""

import io
import json
import os
import re
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom.grading import __main__ as command
from classroom.grading import attempt, contracts, course, deadlines, outputs, records
from classroom.grading.records import Refused
from classroom.grading.submissions import Submission
from tests.classroom.factories import A01, POINTS, RIGHT
from tests.classroom.test_submissions import BOOK, MOODLE, collected, packed, write

pytestmark = pytest.mark.classroom
NAME, NAMES = A01.assignment.name, command.names_of_assignments()
HEAD = "assignment,student,due,time zone,rule\n"
RULE = '"-10 % a day, at least 50 %"'
TEXT = f"{HEAD}a01,,2026-10-05 23:59,Europe/Berlin,{RULE}\na01,eve,2026-10-08 23:59,+02:00,\n"


def read(folder, text):
    (folder / "deadlines.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return deadlines.read(folder / "deadlines.csv", NAMES, NAME)


def late(due, student, time):
    return due.late(student, {"time": time, "source": "by its name"})


SHARES = {
    "2026-10-05T21:59:59+00:00": (1, ""),
    "2026-10-05T22:00:00+00:00": (0.9, "1 min late"),
    "2026-10-06T21:59:59+00:00": (0.9, "24 hours late"),
    "2026-10-06T22:00:00+00:00": (0.8, "1 day late"),
    "2026-12-24T12:00:00+00:00": (0.5, "79.6 days late"),
    "2026-10-05T23:59:59": (1, ""),  # a name without a zone is in the deadline's
    "2026-10-06T00:00:01": (0.9, "1 min late"),
}


@pytest.mark.parametrize("time", SHARES)
def test_late_work_follows_the_rule_to_the_second(time, tmp_path):
    one = late(read(tmp_path, TEXT), "ada", time)
    assert (one.share, one.late) == SHARES[time] and "23:59 CEST" in one.sentence


def test_extension_has_its_own_date_and_the_rule_of_all(tmp_path):
    due = read(tmp_path, TEXT)
    assert late(due, "eve", "2026-10-08T21:59:59+00:00").share == 1
    assert late(due, "eve", "2026-10-08T22:00:00+00:00").share == 0.9
    assert deadlines.read(due.path, NAMES, "a02_flattening").by == {}


def test_day_is_24_hours_when_clocks_are_put_back(tmp_path):
    due = read(tmp_path, f"{HEAD}a01,,2026-10-24 23:59,Europe/Berlin,-10 % a day\n")
    assert late(due, "ada", "2026-10-25T21:59:59+00:00").share == 0.9  # 22:59:59 in Berlin, 24 hours later
    assert late(due, "ada", "2026-10-25T22:00:00+00:00").share == pytest.approx(0.8)


@given(st.floats(0, 100), st.integers(0, 100), st.integers(-(10**6), 10**7), st.integers(0, 10**6))
def test_share_falls_with_time_and_stays_between_its_ends(percent, least, seconds, more):
    rule = deadlines.RULE.fullmatch(f"-{percent:.2f} % per hour, at least {least} %, nothing after 9 weeks").groupdict()
    due = deadlines.Due(datetime(2026, 10, 6, tzinfo=UTC), rule)
    shares = [due.share(due.until + timedelta(seconds=n)) for n in (seconds, seconds + more)]
    assert 1 >= shares[0] >= shares[1] >= 0 and (shares[0] == 1 or seconds >= 0)
    assert shares[1] >= least / 100 or seconds + more >= 9 * 604800


ROWS = {
    "no zone": ("a01,,2026-10-05 23:59,,", "row 2: expected a time zone"),
    "wrong zone": ("a01,,2026-10-05 23:59,Berlin,", "got 'Berlin'"),
    "no time": ("a01,,2026-10-05,UTC,", "row 2: expected a date and time like"),
    "no such day": ("a01,,2026-02-30 12:00,UTC,", "got '2026-02-30 12:00'"),
    "month first": ("a01,,10/05/2026 23:59,UTC,", "got '10/05/2026 23:59'"),
    "code": ("a01,,2026-10-05 23:59,UTC,__import__('os')", "expected a rule like"),
    "more than all": ("a01,,2026-10-05 23:59,UTC,-110 % a day", "at most 100 %"),
    "no assignment": ("a99,,2026-10-05 23:59,UTC,", "there is no assignment 'a99'"),
    "another's row": ("a01,,2026-10-05 23:59,UTC,\na02,,soon,UTC,", "row 3: expected a date"),
    "twice": ("a01,ada,2026-10-05 23:59,UTC,\na01_embedding,ada,2026-10-06 23:59,UTC,", "row 3: it is for the same"),
    "more cells": ("a01,,2026-10-05 23:59,UTC,,x", "row 2: it has more cells"),
}  # fmt: skip


@pytest.mark.parametrize(("row", "why"), ROWS.values(), ids=ROWS)
def test_file_that_cannot_be_read_is_refused_in_one_sentence_before_anything_changes(row, why, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "sandboxed", lambda words: False)
    (tmp_path / "submitted").mkdir()
    (tmp_path / "deadlines.csv").write_text(HEAD + row)
    with pytest.raises(SystemExit) as caught:
        command.main(["a01", str(tmp_path / "submitted"), "--out", str(tmp_path / "out")])
    assert why in caught.value.code and "\n" not in caught.value.code
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".lock"]


@pytest.mark.parametrize("text", [b"", b"assignment,due\n", b"PK\x03\x04", HEAD.replace("rule", "rule,note").encode()])
def test_file_of_another_kind_is_refused(text, tmp_path):
    with pytest.raises(Refused, match="deadlines.csv"):
        read(tmp_path, text)


def test_spreadsheets_files_are_read(tmp_path):
    text = TEXT.replace('"', "").replace(", at", " @at").replace(",", ";").replace(" @", ", ")
    for coding in ("utf-8-sig", "utf-16", "cp1252"):
        due = read(
            tmp_path, text.replace("2026-10-05", "05.10.2026").replace("05.10.2026 23", "05.10.2026 23").encode(coding)
        )
        assert late(due, "ada", "2026-10-05T22:00:00+00:00").share == 0.9


# When work was handed in

TIMES = {
    "file": ({"ada/work.ipynb": BOOK}, "1970-01-12T13:46:40+00:00", "by the file's time"),
    "student's zip": ({"ada/work.zip": packed({"work.ipynb": BOOK})}, "1970-01-12T13:46:40+00:00", "by the file's time"),
    "Blackboard": ({"homework_ada_attempt_2026-10-05-22-30-00_work.ipynb": BOOK}, "2026-10-05T22:30:00", "by its name"),
    "forged in a zip": (
        {"ada.zip": packed({"x/y/_attempt_2020-01-01-00-00-00_w.ipynb": BOOK, "timestamp.txt": b"2020-01-01 00:00:00 UTC"})},
        "1970-01-12T13:46:40+00:00",
        "by the file's time",
    ),
    "nbgrader": (
        {"ada/timestamp.txt": b"2026-10-05 22:30:00.123456 America/New_York\n", "ada/work.ipynb": BOOK},
        "2026-10-05T22:30:00-04:00",
        "by timestamp.txt",
    ),
    "timestamp that is none": ({"ada/work.ipynb": BOOK, "ada/timestamp.txt": b"yesterday"}, "1970-01-12T13:48:20+00:00", "by the file's time"),
    "Canvas": ({"lovelaceada_LATE_123_45_work.ipynb": BOOK}, "1970-01-12T13:46:40+00:00", "by the file's time, marked late by Canvas"),
}  # fmt: skip


@pytest.mark.parametrize(("files", "time", "source"), TIMES.values(), ids=TIMES)
def test_time_is_that_of_the_platform_not_what_a_student_can_write(files, time, source, tmp_path):
    write(tmp_path / "submitted", files)
    (one,) = collected(tmp_path / "submitted", tmp_path)[1].values()
    assert (one.time, one.source) == (time, source)


def test_time_of_an_export_is_that_of_its_entries(tmp_path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo(f"{MOODLE}/work.ipynb", (2026, 10, 5, 22, 30, 0)), BOOK)
        archive.writestr(zipfile.ZipInfo("eve_7_assignsubmission_file_/work.ipynb", (2026, 10, 6, 1, 0, 0)), BOOK)
    (tmp_path / "class.zip").write_bytes(out.getvalue())
    _, found = collected(tmp_path / "class.zip", tmp_path)
    local = [datetime.fromisoformat(one.time).astimezone().isoformat()[:16] for one in found.values()]
    assert local == ["2026-10-05T22:30", "2026-10-06T01:00"]


def test_earliest_time_that_was_seen_of_a_notebook_counts(tmp_path):
    for day in ("06", "05", "07"):
        handed_in = deadlines.HandedIn(tmp_path)
        handed_in.add(Submission("ada", b"1", time=f"2026-10-{day}T12:00:00+00:00", source=day))
        handed_in.write()
    assert deadlines.HandedIn(tmp_path).of("ada", Submission("ada", b"1").digest)["source"] == "05"
    (tmp_path / "handed_in.json").write_text("{")
    with pytest.raises(Refused, match="move it away"):
        deadlines.HandedIn(tmp_path)


# What is made of it


WRITE_BOOK = outputs.gradebook.write  # slow, and of interest to one test


@pytest.fixture
def graded(tmp_path, monkeypatch):
    """Three students with results: 13 points, an explanation for 3; and the time of each."""
    monkeypatch.setattr(outputs.gradebook, "write", lambda *_: "no gradebook was written")
    store, handed_in = records.Store(tmp_path / "a01"), deadlines.HandedIn(tmp_path / "a01")
    scores = {name: attempt.Score(of, of, "", "Fine.") for name, of in POINTS.items()}
    scores["bigram"] = attempt.Score(0, POINTS["bigram"], "rows and columns swapped", "Look <again>.")
    for student, day in (("ada", "05"), ("ben", "06"), ("eve", "08")):
        outcome = attempt.Outcome(scores=scores, manual={"explain": "A label\nis <no> quantity."})
        outcome.answers = {f"{name}-answer": text for name, text in RIGHT.items()}
        submission = Submission(student, student.encode(), time=f"2026-10-{day}T23:30:00", source="by its name")
        store.add(submission, "", outcome)
        handed_in.add(submission)
    handed_in.write()
    return tmp_path


def written(folder):
    done = outputs.write_all(
        folder / "a01", A01.assignment, records.Store(folder / "a01"), folder / "a01" / "book.db", NAMES
    )
    names = {"grades.csv", "report.html", "marks.csv", "to_read.html", "attempts.csv", "alike.html"}
    paths = [path for path in (folder / "a01").rglob("*") if path.name in names or path.suffix in (".html", ".json")]
    return done, {str(path.relative_to(folder)): path.read_text("utf-8-sig") for path in paths}


def test_without_a_deadline_nothing_changes_bit_for_bit(graded):
    _, before = written(graded)
    (graded / "deadlines.csv").write_text(TEXT.replace("a01", "a02"))
    _, after = written(graded)
    assert before == after and "handed in" not in after["a01/grades.csv"]
    os.remove(graded / "deadlines.csv")
    os.remove(graded / "a01" / "handed_in.json")
    assert {name: text for name, text in written(graded)[1].items() if "result.json" not in name} == {
        name: text for name, text in before.items() if not name.endswith(("result.json", "handed_in.json"))
    }


def test_late_work_is_marked_everywhere_and_its_points_follow_the_rule(graded, monkeypatch):
    pytest.importorskip("nbgrader.api")
    monkeypatch.setattr(outputs.gradebook, "write", WRITE_BOOK)
    (graded / "deadlines.csv").write_text(TEXT + "a01,zoe,2026-10-08 23:59,UTC,\n")
    (summary, unused), files = written(graded)
    assert "1 late" in summary and "row 4: nobody with the name 'zoe'" in unused and "NOT USED" not in unused
    table = [line.replace('"', "").split(",") for line in files["a01/grades.csv"].splitlines()]
    points = dict(zip((row[0] for row in table[1:]), (row[2] for row in table[1:]), strict=True))
    assert points == {"ada": "13", "ben": "11.7", "eve": "13"} and table[2][-1] == "13"
    assert "90 % of the points count. In time it would have been 13 points." in files["a01/feedback/ben.html"]
    assert "in time." in files["a01/feedback/ada.html"] and "<h2>Late</h2>" in files["a01/report.html"]
    result, results = (json.loads(files[f"a01/contracts/ben/{name}.json"]) for name in ("result", "results"))
    assert results["score"] == 11.7 and "1 min" not in results["output"] and "23.5 hours late" in results["output"]
    assert result["score"] <= 11 and result["datetime"].endswith("Z")
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{graded / 'a01' / 'book.db'}") as book:
        found = {s.student_id: s.late_submission_penalty for s in book.assignment_submissions(NAME)}
    assert found == {"ada": 0, "ben": pytest.approx(1.3), "eve": 0}
    assert "up to date" in written(graded)[0][0]
    (graded / "deadlines.csv").unlink()
    assert "updated" in written(graded)[0][0] and "up to date" in written(graded)[0][0]
    with Gradebook(f"sqlite:///{graded / 'a01' / 'book.db'}") as book:
        assert {s.late_submission_penalty for s in book.assignment_submissions(NAME)} == {0}


# Contracts of others

CLASSROOM50 = {
    "schema": str, "classroom": str, "assignment": str, "assignment_type": str, "owner": str, "submission": str,
    "commit": str, "release": str, "review": str, "datetime": str, "score": int, "max-score": int, "tests": list,
}  # fmt: skip
CLASSROOM50_TEST = {"test-name": str, "passed": bool, "score": int, "max-score": int}  # and what is the grader's own
GRADESCOPE = {
    "score": (int, float), "execution_time": int, "output": str, "output_format": str, "test_output_format": str,
    "test_name_format": str, "visibility": str, "stdout_visibility": str, "extra_data": dict, "tests": list, "leaderboard": list,
}  # fmt: skip
GRADESCOPE_TEST = {
    "score": (int, float), "max_score": (int, float), "status": str, "name": str, "name_format": str, "number": str,
    "output": str, "output_format": str, "tags": list, "visibility": str, "extra_data": dict,
}  # fmt: skip
FORMATS, VISIBILITY = (
    {"text", "html", "simple_format", "md", "ansi"},
    {"hidden", "after_due_date", "after_published", "visible"},
)


@pytest.mark.parametrize("by_hand", [{"explain": None}, {"explain": 2.5}, {"explain": 3}])
def test_contracts_have_the_documented_fields_and_no_others(graded, by_hand, monkeypatch):
    (one,) = records.Store(graded / "a01").attempts("ben")
    monkeypatch.setenv("COMMIT_URL", "https://github.com/a/b/commit/c")
    result = contracts.classroom50(A01.assignment, one, by_hand, "2026-10-05T23:30:00+02:00")
    assert {*result} == {*CLASSROOM50} and all(type(result[key]) is kind for key, kind in CLASSROOM50.items())
    assert result["schema"] == "classroom50/result/v1" and result["commit"].startswith("https:") and result["review"]
    assert result["datetime"] == "2026-10-05T21:30:00Z"
    for test in result["tests"]:
        assert {*test} == {*CLASSROOM50_TEST, "points"}
        assert all(type(test[key]) is kind for key, kind in CLASSROOM50_TEST.items())
    for key in ("score", "max-score"):
        assert result[key] == sum(test[key] for test in result["tests"])
    results = contracts.gradescope(A01.assignment, one, by_hand)
    for content, fields in ((results, GRADESCOPE), *((test, GRADESCOPE_TEST) for test in results["tests"])):
        assert {*content} <= {*fields} and all(isinstance(value, fields[key]) for key, value in content.items())
        assert {value for key, value in content.items() if "format" in key} <= FORMATS
        assert {value for key, value in content.items() if "visibility" in key} <= VISIBILITY
        assert content.get("status", "passed") in ("passed", "failed")
    assert results["score"] == sum(test.get("score", 0) for test in results["tests"]) == 13 + (by_hand["explain"] or 0)
    assert [test["number"] for test in results["tests"] if "score" not in test] == (
        ["6"] if by_hand["explain"] is None else []
    )
    json.dumps([result, results])


# Comments at a line, and the course

COMMENTS = "student,assignment,exercise,line,text,attempt\n"


def test_comment_is_shown_at_its_line_and_nowhere_else(graded):
    _, before = written(graded)
    rows = ["ben,a01,windows,3,Why <b>twice</b>?,", "ben,a01,explain,2,Well put.,1", "ben,a01,embed-answer,,All good.,"]
    (graded / "comments.csv").write_text(COMMENTS + "\n".join([*rows, "ben,a02,flatten,1,Another's,"]))
    _, after = written(graded)
    assert {name for name in before if before[name] != after[name]} == {"a01/feedback/ben.html"}
    page, lines = after["a01/feedback/ben.html"], RIGHT["windows"].splitlines()
    third = page.index(f"   3  {lines[2]}".replace(">", "&gt;").replace("<", "&lt;"))
    remark, fourth = page.index("Your teacher, line 3:</strong> Why &lt;b&gt;twice"), page.index("   4  ")
    assert third < remark < fourth and page.count("<pre>") == page.count("</pre>")
    assert "line 2:</strong> Well put." in page and "Your teacher:</strong> All good." in page and "Another" not in page


REFUSED = {
    "no such line": ("ben,a01,windows,99,Why?", "row 2 (ben): the answer has"),
    "line 0": ("ben,a01,windows,0,Why?", "no line 0"),
    "no number": ("ben,a01,windows,three,Why?", "expected a number as line, got 'three'"),
    "no such student": ("benn,a01,windows,1,Why?", "row 2 (benn): there is no submission of that student"),
    "no such exercise": ("ben,a01,7,1,Why?", "there is no exercise '7'"),
    "no such assignment": ("ben,a9,windows,1,Why?", "row 2: there is no assignment 'a9'"),
    "no text": ("ben,a01,windows,1,", "it has no text"),
    "no such attempt": ("ben,a01,windows,1,Why?,2", "there is no attempt 2"),
}


@pytest.mark.parametrize(("row", "why"), REFUSED.values(), ids=REFUSED)
def test_comment_on_what_is_not_there_is_refused_with_its_row_and_the_others_are_shown(row, why, graded):
    (graded / "a01" / "comments.csv").write_text(f"{COMMENTS}{row}\neve,a01,windows,1,Good.\n")
    (_, unused), files = written(graded)
    assert re.search(rf"NOT USED, comments.csv, row 2.*{re.escape(why.split(': ')[-1])}", unused) and why in unused
    assert "Good." in files["a01/feedback/eve.html"] and "Why?" not in "".join(files.values())


def test_comment_on_an_earlier_attempt_is_not_put_at_a_line_of_the_new_one(graded):
    old = records.Store(graded / "a01").attempts("ben")[0].outcome
    new = attempt.Outcome(scores=old.scores, manual=old.manual, answers={"windows-answer": "my_windows = 1"})
    records.Store(graded / "a01").add(Submission("ben", b"new"), "", new)
    (graded / "comments.csv").write_text(f"{COMMENTS}ben,a01,windows,3,Why?,1\n")
    assert "Your teacher:</strong> About attempt 1, line 3: Why?" in written(graded)[1]["a01/feedback/ben.html"]


def test_one_page_per_student_over_several_assignments(graded, capsys):
    scores = {
        "flatten": attempt.Score(0, 4, "rows and columns swapped", "Swapped."),
        "seen": attempt.Score(4, 4, "", ""),
    }
    records.Store(graded / "other").add(Submission("ben", b"2"), "", attempt.Outcome(scores=scores))
    (graded / "deadlines.csv").write_text(TEXT)
    (graded / "comments.csv").write_text(f"{COMMENTS}ben,a01,windows,3,Why <b>?,\n")
    out = graded / "course"
    assert course.main([str(graded / "other"), str(graded / "a01"), "--out", str(out)]) == 0
    ben, ada = ((out / "students" / f"{name}.html").read_text() for name in ("ben", "ada"))
    assert (
        ben.index("a01_embedding") < ben.index("a02_flattening") and 'value="11.7"' in ben and "23.5 hours late" in ben
    )
    assert "More than once" in ben and "Look &lt;again&gt;." in ben and "Why &lt;b&gt;?" in ben
    assert "Nothing was handed in for a02_flattening" in ada and "More than once" not in ada
    assert '"ben","11.7","4","15.7"' in (out / "course.csv").read_text()
    for words, why in ((["nosuch"], "no results"), ([str(graded / "a01")] * 2, "two of the folders")):
        with pytest.raises(SystemExit, match=why):
            course.main([*words, "--out", str(graded / "new")])
    assert not (graded / "new").exists()
