"""marks.csv, which a teacher fills in with a spreadsheet: the grader adds rows at its end, and changes nothing in it.

A row finds its answer by its key of ten consonants, which no spreadsheet takes for a number, a date or a word.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from classroom.grading import records
from classroom.grading.records import Attempt, Refused
from classroom.grading.submissions import digest

COLUMNS = ["key", "student", "exercise", "of", "points", "comment"]
OLD = ["student", "exercise", "answer"]  # what found an answer before there was a key
OURS = {"key", "of", *OLD}
CONSONANTS = "bcdfghjklmnpqrstvwxz"
KEY = re.compile(f"[{CONSONANTS}]{{10}}")
NUMBER = re.compile(r"\+?(\d+[.,]?\d*|[.,]\d+)", re.ASCII)
SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # how .xlsx, .ods and .xls begin


@dataclass(frozen=True)
class Answer:
    """What a key stands for. of: the points that it can get."""

    student: str
    exercise: str
    digest: str
    of: float


@dataclass
class Marks:
    """What a teacher wrote. rows: the rows in use, cells by column, by key. refused: what is wrong with each other row.

    present: the keys that have a row. ignored: columns of the teacher's own. text, header, delimiter: the file.
    """

    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    present: set[str] = field(default_factory=set)
    ignored: list[str] = field(default_factory=list)
    text: str = ""
    header: list[str] = field(default_factory=lambda: COLUMNS)
    delimiter: str = ","

    def points(self, attempt: Attempt) -> dict[str, float | None]:
        """A student's points by exercise that a person grades: None if it is not graded yet, 0 for an empty answer."""
        typed = {name: row.get("points", "") for name, row in self._rows(attempt).items()}
        texts = attempt.outcome.manual
        return {n: _number(typed[n]) if typed[n] else None if texts[n].strip() else 0.0 for n in texts}

    def comments(self, attempt: Attempt) -> dict[str, str]:
        """The teacher's comments, by exercise."""
        return {name: row.get("comment", "") for name, row in self._rows(attempt).items()}

    def _rows(self, attempt: Attempt) -> dict[str, dict[str, str]]:
        texts = attempt.outcome.manual.items()
        return {name: self.rows.get(key(attempt.student, name, digest_of(text)), {}) for name, text in texts}


def digest_of(text: str) -> str:
    """It changes when the text of an answer changes."""
    return "a" + digest(text.encode())[:8]


def key(student: str, exercise: str, answer: str) -> str:
    """Key of an answer, given its digest."""
    number, letters = int(digest("\0".join((student, exercise, answer)).encode()), 16), ""
    for _ in range(10):
        number, letter = divmod(number, len(CONSONANTS))
        letters += CONSONANTS[letter]
    return letters


def answers(attempts: Iterable[Attempt], manual: Mapping[str, float]) -> dict[str, Answer]:
    """The answers of these attempts that a person grades, by key. manual: points by exercise."""
    known = {}
    for attempt in attempts:
        for exercise, text in attempt.outcome.manual.items():
            if text.strip():
                answer = Answer(attempt.student, exercise, digest_of(text), manual.get(exercise, 0))
                known[key(answer.student, exercise, answer.digest)] = answer
    return known


def read(path: Path, known: Mapping[str, Answer]) -> Marks:
    """What a teacher wrote about these answers, whatever a spreadsheet made of the file.

    Raises:
        Refused: it is no table with the columns that are needed.
    """
    if not path.exists():
        return Marks()
    text = decoded(path)
    delimiter, lines, place = _table(path, text)
    marks = Marks(text=text, header=lines[place], delimiter=delimiter)
    names = names_of(marks.header)
    marks.ignored = [name for name in names if name and name not in {*COLUMNS, *OURS}]
    lost = [number for number, line in enumerate(lines[:place], 1) if any(line) and not line[0].startswith("sep=")]
    marks.refused = [f"row {number}: it stands above the header" for number in lost]
    everyone, used = {answer.student for answer in known.values()}, {}
    for number, line in enumerate(lines[place + 1 :], place + 2):
        cells = [records.unescaped(cell.strip()) for cell in line]
        row = dict.fromkeys([*COLUMNS, *OLD], "") | dict(zip(names, cells, strict=False))
        where = row["key"].casefold()
        where = where if where or not row["answer"] else key(*[row[name] for name in OLD])
        problem = _problem(row, where, known.get(where), everyone) if any(cells) and line != marks.header else ""
        if any(cells[len(names) :]):
            problem = "it has more cells than the header"
        elif where in used and {row["points"], row["comment"]} != {""} and not problem:
            same = [marks.rows[where][name] == row[name] for name in ("points", "comment")]
            problem = "" if all(same) else f"it has another mark than row {used[where]}, which has the same key"
        marks.present |= {where} & {*known}
        if problem:
            shown = ", ".join(cell[:40] for cell in (row["student"], row["exercise"]) if cell)
            marks.refused.append(f"row {number} ({shown or 'no student'}): {problem}")
        elif where in known and (row["points"] or row["comment"]):
            marks.rows[where], used[where] = row, number
    return marks


def decoded(path: Path) -> str:
    """A file's text, whatever a spreadsheet made of its encoding.

    Raises:
        Refused: it is a spreadsheet's own file.
    """
    data = path.read_bytes()
    guess = "mac_roman" if b"\r" in data and b"\n" not in data else "cp1252"
    codings = ["utf-8-sig", guess, "latin-1"]
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        codings = ["utf-16"]
    elif b"\0" in data[:2]:
        codings = ["utf-16-be" if data[:1] == b"\0" else "utf-16-le"]
    for coding in codings if not data.startswith(SPREADSHEETS) else ():
        try:
            return data.decode(coding).lstrip("\ufeff")
        except UnicodeDecodeError:
            continue
    raise Refused(f"{path} is not text: open it with your spreadsheet and save it as CSV, under the same name")


def _table(path: Path, text: str) -> tuple[str, list[list[str]], int]:
    """The delimiter, all lines, and the place of the header."""
    needed, why = {"key", "points", "comment"}, ""
    for delimiter in ",;\t|":
        try:
            lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
        except csv.Error as problem:
            why = f" (with {delimiter!r} between the cells: {problem})" if delimiter in ",;" else why
            continue
        for place, line in enumerate(lines[:20]):
            names = names_of(line)
            if needed <= {*names} or {*OLD, "points", "comment"} <= {*names}:
                if double := [name for name in names if name and names.count(name) > 1]:
                    raise Refused(f"{path} has two columns with the name {double[0]!r}: rename one of them")
                return delimiter, lines, place
    first = text.split("\n")[0].strip()[:100]
    raise Refused(
        f"{path} has no row with the names of its columns, {', '.join(COLUMNS)}: it begins with {first!r}{why}; "
        "restore that row, or take the file from marks-backups"
    )


def names_of(line: Iterable[str]) -> list[str]:
    """The names of columns, without what programs add to them."""
    return [name.strip('\ufeff" \t').casefold() for name in line]


def _problem(row: Mapping[str, str], where: str, answer: Answer | None, everyone: set[str]) -> str:
    """Why a row can't be used; "" if it can, or if nobody has written into it."""
    written = any(text for name, text in row.items() if name not in OURS)
    if answer is None:
        if KEY.fullmatch(where) and not written:
            return ""  # the answer is gone, and nobody had read it
        return f"no answer has its key {where!r}" if where else "it has no key"
    if row["student"] in everyone - {answer.student}:
        return f"its key belongs to {answer.student}: sort whole rows, not single columns"
    if row["exercise"] and row["exercise"] != answer.exercise:
        return f"its key belongs to the exercise {answer.exercise}"
    of = f"{answer.of:g}"
    if row["points"] and not (NUMBER.fullmatch(row["points"]) and _number(row["points"]) <= answer.of):
        return f"expected points from 0 to {of}, got {row['points']!r}"
    if not row["points"] and NUMBER.fullmatch(row["of"]) and _number(row["of"]) != answer.of:
        return f"the column 'of' says {row['of']} instead of {of}, and the column 'points' is empty"
    return ""


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def add_rows(path: Path, marks: Marks, known: Mapping[str, Answer], filled: Mapping[str, dict] | None = None) -> None:
    """Add a row for each answer that has none, and the filled rows; what is there stays, and a copy of it is kept."""
    rows = {where: {} for where in known if where not in marks.present} | dict(filled or {})
    lines = []
    for where in sorted(rows, key=lambda where: (known[where].student, known[where].exercise, where)):
        answer = known[where]
        cells = {"key": where, "student": answer.student, "exercise": answer.exercise, "answer": answer.digest}
        cells |= {"of": f"{answer.of:g}"} | {name: rows[where].get(name, "") for name in ("points", "comment")}
        lines.append([cells.get(name, "") for name in names_of(marks.header)])
    if not lines and marks.text:
        return
    end = "\r\n" if "\r\n" in marks.text else "\r" if "\r" in marks.text and "\n" not in marks.text else "\n"
    text = marks.text or ",".join(COLUMNS)  # without quotes: not every program knows that a byte order mark is no text
    text += end * (text[-1] not in "\r\n")
    if path.exists():
        records.write(records.next_backup(path), path.read_bytes())
    # Spreadsheets read UTF-8 only with a byte order mark.
    records.write(path, (text + records.table(lines, marks.delimiter, end)).encode("utf-8-sig"))


def merge(path: Path, folders: Iterable[Path], known: Mapping[str, Answer]) -> tuple[Marks, dict[str, dict], list[str]]:
    """The marks in a file, the filled rows of several folders' marks.csv that it lacks, and what of these is not used.

    Raises:
        Refused: two of them have different points or comments for one answer.
    """
    marks, filled, lost = read(path, known), {}, []
    for other in (folder / "marks.csv" for folder in folders):
        theirs = read(other, known)
        lost += [f"NOT USED, {other}, {problem}." for problem in theirs.refused]
        lost += [f"NOT USED, the column {name} of {other}." for name in theirs.ignored]
        for where, row in theirs.rows.items():
            mine = marks.rows.get(where) or filled.setdefault(where, row)
            if any(mine[name] != row[name] for name in ("points", "comment")):
                student = f"{known[where].student}, {known[where].exercise}"
                raise Refused(f"{other} has another mark for {student} than an earlier folder")
    return marks, filled, lost
