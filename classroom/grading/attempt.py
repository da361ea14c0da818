"""One submission: run in the sandbox, judged outside. Only what an answer gave comes out, and only cases go in."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from classroom.checks import find
from classroom.grading import notebook, wire
from classroom.grading.box import Box, Gone
from classroom.grading.notebook import Assignment, Plan
from classroom.grading.sandbox import Limits
from lib.checks.exercise import NOT_DONE, Verdict, wrong

STARTS = 6  # so often a submission gets a new process, when a cell of it ends the one before
LONGEST = 1_500  # characters of a message
NOTES = 100


class NotStarted(Exception):
    """The grader could not do its work; nothing is said of the submission."""


@dataclass
class Mark:
    """What an exercise got: mistake is "" if it is right, and otherwise a short name that the report counts."""

    points: float
    of: float
    mistake: str
    message: str


@dataclass
class Outcome:
    """What became of a submission. manual: the text of each answer that a reader marks, "" if it was left as given."""

    declared: str = ""
    marks: dict[str, Mark] = field(default_factory=dict)
    manual: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0

    @property
    def points(self) -> float:
        return sum(mark.points for mark in self.marks.values())

    def plain(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Course:
    """What all submissions of a run share. stage: the folder that the sandbox sees. seed: the teacher's, a secret."""

    wanted: Assignment
    release: dict[str, str]
    stage: Path
    seed: str
    limits: Limits
    sandboxed: bool

    @property
    def short(self) -> str:
        return self.wanted.name.split("_")[0]


def nothing(course: Course, mistake: str, message: str) -> Outcome:
    """No points for anything."""
    marks = {name: Mark(0, of, mistake, message) for name, of in course.wanted.tests.items()}
    return Outcome(marks=marks, manual=dict.fromkeys(course.wanted.manual, ""), notes=[message])


def grade(course: Course, data: bytes, open_box: Callable[..., Box] = Box) -> Outcome:
    """Grade the bytes of a notebook."""
    begin = time.monotonic()
    try:
        found, notes = notebook.cells(data)
    except notebook.Unreadable as problem:
        return nothing(course, "not a notebook", f"Nothing was graded: {problem}.")
    names = {exercise: find(course.short, exercise).answer for exercise in course.wanted.tests}
    made = notebook.plan(course.wanted, found, names)
    run = Run(course, made, notebook.digest(data), open_box)
    run.all()
    given = course.release
    outcome = Outcome(declared=run.declared, marks=run.marks, notes=[*notes, *made.notes, *run.notes][:NOTES])
    outcome.answers = {name: text for name, text in made.answers.items() if name not in course.wanted.manual}
    for name in course.wanted.manual:
        text = made.answers.get(name, "")
        outcome.manual[name] = "" if text.strip() == given.get(name, "").strip() else text
    outcome.seconds = round(time.monotonic() - begin, 1)
    return outcome


class Run:
    """The steps of a plan, in as many processes as it takes."""

    def __init__(self, course: Course, made: Plan, digest: str, open_box: Callable[..., Box]) -> None:
        self.course, self.plan, self.open_box = course, made, open_box
        # Other inputs for every submission: who saw some in a feedback page has no use for them.
        self.seed = f"{course.seed} {digest}"
        self.declared, self.marks, self.notes = "", {}, []
        self.skip: dict[int, str] = {}  # by the number of the step: why it is not run again
        self.errors: dict[int, str] = {}  # by the number of the cell
        self.step = 0

    def all(self) -> None:
        """Run everything; a step that ends the process is left out of the next one."""
        deadline = time.monotonic() + self.course.limits.total
        reason = ""
        for _ in range(STARTS):
            box = self.open_box(self.course.stage, self.course.limits, self.course.sandboxed, self.numbers)
            try:
                loading = time.monotonic()
                self.load(box)
                deadline += time.monotonic() - loading  # loading torch is nobody's fault
                self.through(box, deadline)
                break
            except Gone as gone:
                reason = str(gone)
                self.fails(reason)
                if time.monotonic() > deadline:
                    break
            finally:
                box.close()
        for exercise, of in self.course.wanted.tests.items():
            if exercise not in self.marks:
                text = f"It was not reached, since the notebook had to be stopped: {reason}."
                self.marks[exercise] = Mark(0, of, "stopped", text)

    def load(self, box: Box) -> None:
        """Wait for the interpreter; no cell of the student's has run yet, so a failure here is the grader's own."""
        try:
            box.ready()
        except Gone as gone:
            raise NotStarted(f"the process for it did not start: {gone}") from None

    def fails(self, reason: str) -> None:
        """The step that runs ended the process."""
        kind, number, text = self.plan.steps[self.step]
        self.skip[self.step] = reason
        if kind == "cell":
            self.errors[number] = reason
            self.notes.append(f"Cell {number} was stopped and left out: {reason}.")
        else:
            self.marks[text] = self.mark(
                text, wrong("stopped", f"Your answer was called, and had to be stopped: {reason}.")
            )

    def through(self, box: Box, deadline: float) -> None:
        """One process, from the first cell to the last."""
        for step, (kind, number, text) in enumerate(self.plan.steps):
            self.step = step
            if time.monotonic() > deadline:
                raise Gone(f"all of it together took more than {self.course.limits.total:g} seconds")
            if step in self.skip or (kind == "collect" and text in self.marks):
                continue
            if kind == "collect":
                self.marks[text] = self.mark(text, self.verdict(box, text))
                continue
            reply = box.ask(self.course.limits.seconds, cell=text, name=f"cell {number}")
            error = wire.clean(str(reply.get("error", "")))[:LONGEST]
            if error and number not in self.errors:
                self.errors[number] = error
                self.notes.append(f"Cell {number} ended with an error: {error}")

    def verdict(self, box: Box, name: str) -> Verdict:
        """Give the answer its cases, and judge here what comes back."""
        exercise = find(self.course.short, name)
        declared = box.ask(5, value="student").get("value")
        self.declared = self.declared or " ".join(wire.clean(str(declared or ""))[:200].lower().split())
        cases = exercise.cases(self.seed, self.declared)
        request = {"collect": name, "answer": exercise.answer, "cases": wire.encode(cases)}
        reply = box.ask(self.course.limits.seconds, **request)
        if reply.get("missing"):
            return self.missing(name, exercise.answer)
        if reply.get("error"):
            return wrong("stopped", f"Your answer was called: {wire.clean(str(reply['error']))}.")
        return judged(exercise, cases, reply.get("came"))

    def missing(self, name: str, answer: str) -> Verdict:
        """The answer's name stands for nothing."""
        errors = [self.errors[place] for place in self.plan.places.get(f"{name}-answer", []) if place in self.errors]
        if errors:
            return wrong("error", f"{answer} is not there, because its cell ended with an error: {errors[-1]}")
        return wrong(NOT_DONE, f"{answer} is not there: no cell defines it.")

    def mark(self, name: str, verdict: Verdict) -> Mark:
        of = self.course.wanted.tests[name]
        return Mark(of if verdict.right else 0, of, verdict.mistake, wire.clean(verdict.message)[:LONGEST])

    def numbers(self, exercise: str, student: str) -> object:
        """A student's own numbers, as the notebook asks for them."""
        if exercise not in self.course.wanted.tests:
            return None
        found = find(self.course.short, exercise)
        return found.numbers_of(" ".join(student.lower().split())) if hasattr(found, "numbers_of") else None


def judged(exercise: object, cases: list[tuple], came: object) -> Verdict:
    """The verdict on what came out of the sandbox, which may be anything."""
    try:
        came = wire.decode(came)
        fields = {"value": object, "error": str, "after": (list, tuple), "calls": dict}
        for back in came:
            if {*back} != {*fields} or not all(isinstance(back[key], kind) for key, kind in fields.items()):
                raise wire.Garbled("other parts than a call gives")
            if not all(type(count) is int for count in back["calls"].values()):
                raise wire.Garbled("counts that are no counts")
            back["error"] = back["error"][:500]
        if len(came) != len(cases):
            raise wire.Garbled(f"{len(came)} results for {len(cases)} cases")
        return exercise.judge(cases, came)
    except Exception as problem:  # whatever it is, it is this submission's and must not stop the others
        return wrong(
            "not judged", f"What came back could not be judged ({type(problem).__name__}: {str(problem)[:200]})."
        )
