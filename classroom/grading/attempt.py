"""One submission: run in the sandbox, judged outside. Only cases go in, and only an answer's results come out."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from classroom.checks import find
from classroom.grading import notebook, wire
from classroom.grading.notebook import Assignment, Plan
from classroom.grading.process import ProcessEnded, SandboxProcess
from classroom.grading.sandbox import Limits
from classroom.grading.submissions import Submission
from lib.checks.exercise import NOT_DONE, Verdict, wrong

STARTS = 6  # how many processes a submission gets, if its cells end the one before
LONGEST = 1_500  # characters of a message
NOTES = 100


class NotStarted(Exception):
    """The grader could not start a process; this implies nothing about the submission."""


@dataclass
class Score:
    """Points for an exercise. mistake: "" if the answer is right, otherwise a short name that the report counts."""

    points: float
    of: float
    mistake: str
    message: str


@dataclass
class Outcome:
    """The result of grading a submission.

    declared: the name in the notebook. manual: the text of each answer that a person grades, "" if it is unchanged.
    pictures: those of its text. elsewhere: text that is in no answer. answers: the source of the others.
    """

    declared: str = ""
    scores: dict[str, Score] = field(default_factory=dict)
    manual: dict[str, str] = field(default_factory=dict)
    pictures: dict[str, list[str]] = field(default_factory=dict)
    elsewhere: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0

    @property
    def points(self) -> float:
        return sum(score.points for score in self.scores.values())


@dataclass(frozen=True)
class RunConfig:
    """What all submissions of a run share. stage: the folder that the sandbox sees. seed: the teacher's, a secret."""

    assignment: Assignment
    stage: Path
    seed: str
    limits: Limits
    sandboxed: bool

    @property
    def short(self) -> str:
        return self.assignment.name.split("_")[0]


def zero_outcome(config: RunConfig, mistake: str, message: str) -> Outcome:
    """No points for anything."""
    scores = {name: Score(0, of, mistake, message) for name, of in config.assignment.tests.items()}
    return Outcome(scores=scores, manual=dict.fromkeys(config.assignment.manual, ""), notes=[message])


def grade(config: RunConfig, submission: Submission, start: Callable[..., SandboxProcess] = SandboxProcess) -> Outcome:
    """Grade a submission. start: starts a process.

    Raises:
        NotStarted: no process could be started.
    """
    begin, assignment = time.monotonic(), config.assignment
    try:
        if submission.problem:
            raise notebook.Unreadable(submission.problem)
        cells, notes = notebook.cells(submission.data)
    except notebook.Unreadable as problem:
        return zero_outcome(config, "not a notebook", f"Nothing was graded: {problem}.")
    names = {exercise: find(config.short, exercise).answer for exercise in assignment.tests}
    plan = notebook.make_plan(assignment, cells, names)
    run = Run(config, plan, submission.digest, start)
    run.all()
    outcome = Outcome(
        declared=run.declared,
        scores=run.scores,
        notes=[*map(wire.plain, submission.notes), *notes, *plan.notes, *run.notes][:NOTES],
    )
    outcome.answers = {name: text for name, text in plan.answers.items() if name not in assignment.manual}
    outcome.manual = {name: plan.answers.get(name, "") for name in assignment.manual}
    outcome.pictures = {name: some for name, some in plan.texts.pictures.items() if some}
    outcome.elsewhere = plan.texts.elsewhere
    outcome.seconds = round(time.monotonic() - begin, 1)
    return outcome


class Run:
    """The steps of a plan, in as many processes as needed."""

    def __init__(self, config: RunConfig, plan: Plan, digest: str, start: Callable[..., SandboxProcess]) -> None:
        self.config, self.plan, self.start = config, plan, start
        # Each submission gets its own cases: those on a feedback page are of no use for the next attempt.
        self.seed = f"{config.seed} {digest}"
        self.declared, self.scores, self.notes = "", {}, []
        self.skip: set[int] = set()  # numbers of steps that ended a process, and are not run again
        self.errors: dict[int, str] = {}  # by the number of the cell
        self.step = 0

    def all(self) -> None:
        """Run everything; a step that ends a process is left out of the next one."""
        config, reason = self.config, ""
        cpu, deadline = config.limits.total, time.monotonic() + config.limits.wall(config.limits.total)
        for _ in range(STARTS):
            process = self.start(config.stage, replace(config.limits, total=cpu), config.sandboxed, self.numbers)
            try:
                loading = time.monotonic()
                self.load(process)
                deadline += time.monotonic() - loading  # the student is not charged for loading torch
                self.run_steps(process, deadline)
                break
            except ProcessEnded as ended:
                reason = str(ended)
                self.fail(reason)
            finally:
                process.close()
            cpu -= process.cpu
            if cpu <= 0 or time.monotonic() > deadline:
                break
        for exercise, of in config.assignment.tests.items():
            message = f"This answer was not tested, because the notebook had to be stopped: {reason}."
            self.scores.setdefault(exercise, Score(0, of, "stopped", message))

    def load(self, process: SandboxProcess) -> None:
        """Wait for the interpreter. No cell has run yet, so a failure here is the grader's own."""
        try:
            process.ready()
        except ProcessEnded as ended:
            raise NotStarted(f"its process did not start: {ended}") from None

    def fail(self, reason: str) -> None:
        """The current step ended the process."""
        kind, number, text = self.plan.steps[self.step]
        self.skip.add(self.step)
        if kind == "cell":
            self.errors[number] = reason
            self.notes.append(f"Cell {number} was stopped and left out: {reason}.")
        else:
            self.scores[text] = self.score(text, wrong("stopped", f"Your answer was called and stopped: {reason}."))

    def run_steps(self, process: SandboxProcess, deadline: float) -> None:
        """Run one process, from the first cell to the last."""
        for step, (kind, number, text) in enumerate(self.plan.steps):
            self.step = step
            if time.monotonic() > deadline:
                raise ProcessEnded("the notebook as a whole took more time than allowed")
            if step in self.skip or (kind == "collect" and text in self.scores):
                continue
            if kind == "collect":
                self.scores[text] = self.score(text, self.verdict(process, text))
                continue
            error = wire.plain(str(process.ask(cell=text, name=f"cell {number}").get("error", ""))[:LONGEST])
            if error and number not in self.errors:
                self.errors[number] = error
                self.notes.append(f"Cell {number} ended with an error: {error}")

    def verdict(self, process: SandboxProcess, name: str) -> Verdict:
        """Call the answer on its cases there, and judge the results here."""
        exercise = find(self.config.short, name)
        declared = process.ask(value="student").get("value")
        self.declared = self.declared or " ".join(wire.clean(str(declared or ""))[:200].lower().split())
        cases = exercise.cases(self.seed, self.declared)
        reply = process.ask(collect=[self.config.short, name], answer=exercise.answer, cases=wire.encode(cases))
        if reply.get("missing"):
            return self.missing(name, exercise.answer)
        if reply.get("error"):
            return wrong("stopped", f"Your answer was called and stopped: {wire.plain(str(reply['error'])[:LONGEST])}.")
        return judge(exercise, cases, reply.get("results"))

    def missing(self, name: str, answer: str) -> Verdict:
        """The notebook does not define the answer."""
        errors = [self.errors[place] for place in self.plan.places.get(f"{name}-answer", []) if place in self.errors]
        if errors:
            return wrong("error", f"{answer} is missing, because its cell ended with an error: {errors[-1]}")
        return wrong(NOT_DONE, f"{answer} is missing: no cell defines it.")

    def score(self, name: str, verdict: Verdict) -> Score:
        of = self.config.assignment.tests[name]
        return Score(of if verdict.right else 0, of, verdict.mistake, wire.plain(verdict.message[:LONGEST]))

    def numbers(self, exercise: str, student: str) -> object:
        """A student's own numbers, as the notebook asks for them."""
        if exercise not in self.config.assignment.tests:
            return None
        numbers_of = getattr(find(self.config.short, exercise), "numbers_of", lambda name: None)
        return numbers_of(" ".join(student.lower().split()))


def judge(exercise: object, cases: list[tuple], reply: object) -> Verdict:
    """The verdict on the results from the sandbox, which can be anything."""
    try:
        results = wire.decode(reply)
        fields = {"value": object, "error": str, "after": (list, tuple), "calls": dict}
        for result in results:
            if {*result} != {*fields} or not all(isinstance(result[key], kind) for key, kind in fields.items()):
                raise wire.ProtocolError("unexpected fields in a call's result")
            if not all(type(count) is int for count in result["calls"].values()):
                raise wire.ProtocolError("counts that are not integers")
            result["error"] = result["error"][:500]
        if len(results) != len(cases):
            raise wire.ProtocolError(f"{len(results)} results for {len(cases)} cases")
        return exercise.judge(cases, results)
    except Exception as problem:  # any error here belongs to this submission and must not stop the others
        kind, text = type(problem).__name__, str(problem)[:200]
        return wrong("not judged", f"The results of your answer could not be judged ({kind}: {text}).")
