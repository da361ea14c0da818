"""Deadlines, from an optional file deadlines.csv: late work is marked, and its points follow the rule in the file.

    assignment,student,due,time zone,rule
    a01,,2026-10-05 23:59,Europe/Berlin,"-10 % a day, at least 50 %"
    a01,ada,2026-10-08 23:59,Europe/Berlin,

A row with a student is an extension; its empty rule is that of the assignment's row. A rule is one of
    (empty)                                     late work is only marked
    -10 % a day                                 of the points, for each day that has begun; or an hour, or a week
    -10 % a day, at least 50 %                  of the points remain, however late
    -10 % a day, nothing after 7 days           the two ends can be combined
Work that is handed in within the minute of the deadline is in time.
"""

import json
import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from classroom.grading import records, sheets
from classroom.grading.records import Refused
from classroom.grading.submissions import Submission

NEEDED = ["assignment", "student", "due", "time zone", "rule"]
FORMS = ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M")
SECONDS = {"hour": 3600, "day": 86400, "week": 604800}
RULE = re.compile(
    r"-\s*(?P<percent>\d+(?:[.,]\d+)?)\s*%\s*(?:an?|per)\s+(?P<unit>hour|day|week)"
    r"(?:\s*,\s*at least\s+(?P<least>\d+(?:[.,]\d+)?)\s*%)?"
    r"(?:\s*,\s*nothing after\s+(?P<last>\d+)\s+(?P<of>hour|day|week)s?)?"
)


@dataclass(frozen=True)
class Due:
    """A deadline. until: the first second that is late. rule: what `RULE` found, None if late work is only marked."""

    until: datetime
    rule: dict | None

    def share(self, time: datetime) -> float:
        """The share of the points that work handed in at that time keeps."""
        seconds = (time - self.until).total_seconds()
        if seconds < 0 or self.rule is None:
            return 1
        if self.rule["last"] and seconds >= int(self.rule["last"]) * SECONDS[self.rule["of"]]:
            return 0
        begun = math.floor(seconds / SECONDS[self.rule["unit"]]) + 1
        lost = begun * _number(self.rule["percent"]) / 100
        return max(_number(self.rule["least"] or "0") / 100, 1 - lost, 0)


@dataclass(frozen=True)
class Late:
    """How a submission stands to its deadline. share: of the points that count. late: "" if it is in time."""

    handed_in: str
    source: str
    due: str
    late: str
    share: float

    @property
    def sentence(self) -> str:
        begin = f"Handed in {self.handed_in} ({self.source}), due {self.due}"
        rest = f"; {100 * self.share:g} % of the points count" if self.share < 1 else ""
        return f"{begin}: {self.late or 'in time'}{rest}."


@dataclass
class Deadlines:
    """by: the deadlines of one assignment, by student; that of the others is ""'s. rows: numbers of the rows."""

    path: Path
    by: dict[str, Due] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def late(self, student: str, known: dict) -> Late | None:
        """How a student's submission stands; None if it has no deadline. known: an entry of handed_in.json."""
        due = self.by.get(student, self.by.get(""))
        if due is None:
            return None
        shown = f"{due.until - timedelta(minutes=1):%Y-%m-%d %H:%M %Z}"
        if not known:
            return Late("at an unknown time", "look it up", shown, "", 1)
        time = datetime.fromisoformat(known["time"])
        time = time.astimezone(due.until.tzinfo) if time.tzinfo else time.replace(tzinfo=due.until.tzinfo)
        # Not by subtraction of local times, which ignores that clocks are put forward and back.
        time, until = time.astimezone(UTC), due.until.astimezone(UTC)
        seconds, local = (time - until).total_seconds(), time.astimezone(due.until.tzinfo)
        share = Due(until, due.rule).share(time)
        return Late(
            f"{local:%Y-%m-%d %H:%M:%S %Z}", known["source"], shown, _span(seconds) if seconds >= 0 else "", share
        )


def _span(seconds: float) -> str:
    for unit in ("day", "hour"):
        if seconds >= SECONDS[unit]:
            number = f"{seconds / SECONDS[unit]:.1f}".removesuffix(".0")
            return f"{number} {unit}{'s' * (number != '1')} late"
    return f"{math.floor(seconds / 60) + 1} min late"


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def read(path: Path, names: dict[str, str], assignment: str) -> Deadlines:
    """The deadlines of one assignment. names: that of each assignment, by every name that a row may use.

    Raises:
        Refused: a row can't be read; the message has its number and the reason.
    """
    found, general = {}, {}
    for number, row in sheets.rows(path, NEEDED):
        where = f"{path}, row {number}"
        if row["assignment"] not in names:
            raise Refused(f"{where}: there is no assignment {row['assignment']!r}")
        key = names[row["assignment"]], records.unescaped(row["student"])
        if key in found:
            raise Refused(f"{where}: it is for the same assignment and student as row {found[key][0]}")
        rule = RULE.fullmatch(row["rule"])
        if row["rule"] and not rule:
            raise Refused(f"{where}: expected a rule like '-10 % a day, at least 50 %', got {row['rule']!r}")
        if rule and max(_number(rule["percent"]), _number(rule["least"] or "0")) > 100:
            raise Refused(f"{where}: expected at most 100 %, got {row['rule']!r}")
        found[key] = number, Due(_until(row["due"], _zone(row["time zone"], where), where), rule and rule.groupdict())
        general |= {key[0]: found[key][1].rule} if not key[1] else {}
    deadlines = Deadlines(path)
    for (name, student), (number, due) in found.items():
        if name == assignment:
            deadlines.by[student] = Due(due.until, due.rule or general.get(name))
            deadlines.rows[student] = number
    return deadlines


def _zone(text: str, where: str) -> tzinfo:
    if match := re.fullmatch(r"(?:UTC)?([+-])(\d\d):?(\d\d)", text):
        minutes = int(match[2]) * 60 + int(match[3])
        if minutes < 24 * 60:
            return timezone(timedelta(minutes=minutes if match[1] == "+" else -minutes))
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise Refused(f"{where}: expected a time zone like Europe/Berlin, UTC or +02:00, got {text!r}") from None


def _until(text: str, zone: tzinfo, where: str) -> datetime:
    """The end of the deadline's minute; of an hour that there is twice, the second."""
    for form in FORMS:
        try:
            return datetime.strptime(text, form).replace(second=0, tzinfo=zone, fold=1) + timedelta(minutes=1)
        except (ValueError, OverflowError):
            continue
    raise Refused(f"{where}: expected a date and time like 2026-10-05 23:59, got {text!r}")


class HandedIn:
    """handed_in.json: when each notebook was handed in, by student and digest; the earliest time that was ever seen."""

    def __init__(self, out: Path) -> None:
        self.path = out / "handed_in.json"
        try:
            self.times = json.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else {}
        except ValueError:
            raise Refused(f"{self.path} can't be read: move it away, and the times are taken from the files") from None

    def add(self, submission: Submission) -> None:
        if submission.time:
            self._add(submission.student, submission.digest, {"time": submission.time, "source": submission.source})

    def _add(self, student: str, digest: str, new: dict) -> None:
        mine = self.times.setdefault(student, {})
        order = lambda one: datetime.fromisoformat(one["time"]).replace(tzinfo=None)
        mine[digest] = min(mine.get(digest, new), new, key=order)

    def merge(self, other: "HandedIn") -> None:
        for student, times in other.times.items():
            for digest, new in times.items():
                self._add(student, digest, new)

    def of(self, student: str, digest: str) -> dict:
        return self.times.get(student, {}).get(digest, {})

    def write(self) -> None:
        if self.times:
            records.write(self.path, json.dumps(self.times, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
