"""Questions to students about their own code, for a talk of five minutes; the answers are what the code did when it ran.

An answer's functions are traced in the sandbox (see `tracing`) on small inputs of the student's own, in two processes,
the second with the inputs in another order: only what both report becomes a question.
"""

import ast
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor

from classroom.checks import find
from classroom.grading import notebook, pages, records, submissions, wire
from classroom.grading.attempt import Run, RunConfig, Score
from classroom.grading.notebook import Plan
from classroom.grading.process import SandboxProcess
from classroom.grading.submissions import Submission
from lib.checks.exercise import Verdict, right, wrong

NUMBER = 3
CASES = 3  # of an exercise, the smallest of those that are drawn
SPOOFS = ("settrace", "setprofile", "f_trace", "sys.monitoring")
SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Delete, ast.Assert)
LOOPS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
PLAIN = (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.expr_context, ast.UnaryOp, ast.unaryop)
HARMLESS = {"torch.no_grad()", "torch.inference_mode()", "staticmethod", "classmethod"}  # decorators


@dataclass(frozen=True)
class Question:
    """kind: returns, variable, count or error. code: the function, with the numbers of its lines in the cell."""

    exercise: str
    kind: str
    place: str
    text: str
    answer: str
    code: str


class Traces(Run):
    """The steps of a submission, with each answer traced where it would be tested. traces: by exercise."""

    def __init__(self, *words: object, seed: str, turned: bool) -> None:
        super().__init__(*words)
        self.seed, self.turned, self.traces = seed, turned, {}

    def verdict(self, process: SandboxProcess, name: str) -> Verdict:
        """Right if there are traces; otherwise the message says why not."""
        exercise = find(self.config.short, name)
        declared = wire.clean(str(process.ask(value="student").get("value") or ""))[:200]
        cases = sorted(exercise.cases(self.seed, " ".join(declared.lower().split())), key=_size)[:CASES]
        if self.turned:  # no case in the place that it has in the other process
            cases = cases[1:] + cases[:1]
        encoded = wire.encode(cases)
        reply = process.ask(trace=[self.config.short, name], answer=exercise.answer, cases=encoded)
        if reply.get("missing"):
            return self.missing(name, exercise.answer)
        if reply.get("error"):
            return wrong("stopped", f"It was called and stopped: {reply['error']}.")
        try:
            self.traces[name] = list(wire.decode(reply.get("traces")))
        except Exception as problem:  # the process can send anything
            return wrong("stopped", f"Its trace could not be read ({type(problem).__name__}).")
        return right("")

    def score(self, name: str, verdict: Verdict) -> Score:
        return Score(0, 0, verdict.mistake, wire.plain(verdict.message[:300]))


def _size(value: object) -> int:
    """How much there is to read in a case."""
    if isinstance(value, Tensor):
        return value.numel() + 1
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return 1 + sum(map(_size, parts))


def ask(config: RunConfig, submission: Submission, start: Callable = SandboxProcess) -> tuple[list, dict[str, str]]:
    """All questions about a submission, and for each exercise without one, why.

    Raises:
        NotStarted: no process could be started.
    """
    try:
        if submission.problem:
            raise notebook.Unreadable(submission.problem)
        cells, _ = notebook.cells(submission.data)
    except notebook.Unreadable as problem:
        return [], dict.fromkeys(config.assignment.tests, f"{problem}")
    names = {exercise: find(config.short, exercise).answer for exercise in config.assignment.tests}
    plan = notebook.make_plan(config.assignment, cells, names)
    seed = f"{config.seed} questions {submission.student}"
    runs = [Traces(config, plan, "", start, seed=seed, turned=turned) for turned in (False, True)]
    for run in runs:
        run.all()
    functions = _functions(plan)
    questions, without = [], {}
    for name in config.assignment.tests:
        mine, why = _agreed(name, [run.traces.get(name) for run in runs], functions)
        questions += mine
        if not mine:
            said = [run.scores[name].message for run in runs if run.scores[name].message]
            without[name] = said[0] if said else why
    return questions, without


@dataclass(frozen=True)
class Function:
    """A function of a cell. simple: by line, the names that the only statement of that line gives a value."""

    name: str
    code: str
    counted: set[int]
    simple: Mapping[int, set[str]]


def _functions(plan: Plan) -> dict[tuple[int, int], Function | str]:
    """The functions of a submission by cell and first line, or why there can be no questions about one."""
    found = {}
    for kind, cell, source in plan.steps:
        try:
            body = ast.parse(source) if kind == "cell" else None
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in ast.walk(body) if body else ():
            if isinstance(node, ast.FunctionDef):
                line = node.decorator_list[0].lineno if node.decorator_list else node.lineno
                found[cell, line] = _function(node, source.splitlines())
    return found


def _function(node: ast.FunctionDef, lines: Sequence[str]) -> Function | str:
    own = "\n".join(lines[node.lineno - 1 : node.end_lineno])
    if {ast.unparse(decorator) for decorator in node.decorator_list} - HARMLESS:
        return "it has a decorator that can change what it returns"
    if any(word in own for word in SPOOFS):
        return "it switches Python's tracing on or off"
    begun: Counter = Counter()  # parts of statements on a line
    for part in ast.walk(node):
        if isinstance(part, SIMPLE):
            begun.update({part.lineno, part.end_lineno})
        elif isinstance(part, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            begun[getattr(part, "lineno", 0) or part.pattern.lineno] += 1
    inner = [n for n in ast.walk(node) if isinstance(n, (ast.FunctionDef, ast.Lambda, ast.ClassDef)) and n is not node]
    hidden = {line for n in inner for line in range(n.lineno, n.end_lineno + 1)}
    counted, simple = set(), {}
    for statement in ast.walk(node):
        line = getattr(statement, "lineno", 0)
        alone = isinstance(statement, SIMPLE) and line == statement.end_lineno and begun[line] == 1
        constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        # From Python 3.12 on, the loop of a comprehension counts as its line again and again.
        loops = sys.version_info >= (3, 12) and any(isinstance(n, LOOPS) for n in ast.walk(statement))
        if alone and not constant and not loops and line not in hidden and line > node.lineno:
            counted.add(line)
            stored = [n for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
            targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
            mine = {n.id for target in targets if target for n in ast.walk(target) if n in stored}
            value = getattr(statement, "value", None)
            told = value is None or all(isinstance(n, PLAIN) for n in ast.walk(value))  # the line itself has the answer
            simple[line] = set() if told and not isinstance(statement, ast.AugAssign) else mine
    numbered = "\n".join(
        f"{number:4}  {lines[number - 1]}" for number in range(node.lineno, node.end_lineno + 1) if number <= len(lines)
    )
    return Function(node.name, numbered[:6_000], counted, simple)


def _agreed(exercise: str, both: Sequence, functions: Mapping) -> tuple[list[Question], str]:
    """The questions about one answer that two runs of it agree on; and if there are none, why."""
    problems: Counter = Counter()
    made = [list(dict.fromkeys(_from(exercise, traces or [], functions, problems))) for traces in both]
    agreed = [question for question in made[0] if question in made[1]]
    # Two calls that look the same and did not do the same: what is not shown decides.
    answers = Counter(text for text, _ in {(question.text, question.answer) for question in made[0] + made[1]})
    agreed = [question for question in agreed if answers[question.text] == 1]
    if agreed:
        return agreed, ""
    if made[0] or made[1]:
        return [], "it does not do the same each time"
    why = [text for text, _ in problems.most_common(1)]
    return [], why[0] if why else "no function that is written with def was called"


def _from(exercise: str, traces: Sequence, functions: Mapping, problems: Counter) -> Iterator[Question]:
    """Questions made from what one process reports; fields that are not as expected are left out."""
    for trace in traces:
        try:
            if trace["problem"]:
                problems[str(trace["problem"])[:200]] += 1
            calls = [{**call} for call in trace["calls"]]
        except (TypeError, KeyError):
            problems["its trace could not be read"] += 1
            continue
        for call in calls:
            try:
                function = functions.get((call["cell"], call["line"]), "its cell is not plain Python")
                if isinstance(function, str):
                    problems[function] += 1
                elif function.name != call["name"]:
                    problems["its cell is not plain Python"] += 1
                else:
                    before = len(found := [*_about(exercise, function, call)])
                    problems["nothing that it did can be asked for"] += not before
                    yield from found
            except (TypeError, KeyError, ValueError, AttributeError):
                problems["its trace could not be read"] += 1


def _about(exercise: str, function: Function, call: Mapping) -> Iterator[Question]:
    """Questions about one call."""
    given = [(str(name)[:60], str(kind), str(text)[:200]) for name, kind, text in call["given"]]
    shown = ", ".join(f"{name} = {text}" for name, _, text in given if name != "self")
    begin = f"{function.name} is called with {shown}." if shown else f"{function.name} is called."
    whole = all(kind == "value" for _, kind, _ in given)
    opaque = any(kind == "other" and name != "self" for name, kind, _ in given)  # a net, or a function
    sized = not given or any(kind != "other" for _, kind, _ in given)
    counts = {int(line): int(count) for line, count in call["counts"].items()}
    plain, first_up = lambda text: wire.plain(str(text)[:200]), lambda text: text[0].upper() + text[1:]

    def question(kind: str, place: object, text: str, answer: str) -> Question:
        where = f"cell {call['cell']}, {function.name}, {place}"
        return Question(
            exercise, kind, where, plain(f"{begin} ")[:-1] + f" {plain(text)}", plain(answer), function.code
        )

    wanted = {"value": "what is {}?", "shape": "which shape has {}?", "length": "how many items has {}?"}
    wanted["shapes"] = "what is {}? Of a tensor, say the shape."
    if call["error"]:
        line, name = call["error"]
        answer = f"In line {int(line)}: {name}."
        yield question("error", "error", "It ends with an error. In which line, and of which type is it?", answer)
    elif call["result"] and sized and call["result"][1] != "None" and (whole or call["result"][0] != "value"):
        kind, text = call["result"]
        asked = "What does it return?" if kind == "value" else first_up(wanted[kind].format("its result"))
        yield question("returns", "result", asked, text)
    if sized:
        for line in sorted(function.counted):
            if call["inner"] or counts.get(line, 0) != 1:
                again = " Count the calls that it makes to itself, too." if call["inner"] else ""
                answer = {0: "Never.", 1: "Once."}.get(counts.get(line, 0), f"{counts.get(line, 0)} times.")
                yield question("count", f"line {line}", f"How often does line {line} run?{again}", answer)
    for line, nth, name, kind, text in call["values"] if sized and not call["inner"] else ():
        if (
            name in function.simple.get(line, ())
            and nth <= 3
            and (whole or kind != "value" or (_is_int(text) and not opaque))
        ):
            when = (
                f"after line {line}"
                if counts[line] == 1
                else f"after line {line} has run {nth} of {counts[line]} times"
            )
            yield question("variable", f"line {line}", first_up(f"{when}, {wanted[kind].format(name)}"), text)


def _is_int(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


def pick(questions: Sequence[Question], seed: str, number: int = NUMBER) -> list[Question]:
    """Some of the questions, the same for the same seed: of different exercises, kinds and places, as far as possible."""
    left, chosen = [*questions], []
    random.Random(seed).shuffle(left)
    while left and len(chosen) < number:
        best = min(left, key=lambda question: [_used(question, chosen, name) for name in ("place", "exercise", "kind")])
        chosen.append(best)
        left.remove(best)
    return chosen


def _used(question: Question, chosen: Sequence[Question], name: str) -> int:
    return sum(getattr(other, name) == getattr(question, name) for other in chosen)


def write(config: RunConfig, submission: Submission, out: Path, fingerprint: str) -> dict:
    """A student's questions, and the two pages; nothing runs if they are there for this submission already."""
    kept = out / "questions" / "kept" / f"{submission.student}.json"
    basis = submissions.digest(f"{fingerprint} {submission.digest}".encode() + Path(__file__).read_bytes())
    known = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    if known.get("basis") != basis:
        questions, without = ask(config, submission)
        chosen = [asdict(question) for question in pick(questions, f"{config.seed} {submission.student}")]
        known = {"basis": basis, "questions": chosen, "without": without}
        records.write(kept, json.dumps(known, indent=1, ensure_ascii=False) + "\n")
    title = f"{submission.student}: {config.assignment.name}, your own code"
    for folder, answers in (("students", False), ("answers", True)):
        page = pages.page("questions.html", title=title, answers=answers, titles=config.assignment.titles, **known)
        records.write(out / "questions" / folder / f"{submission.student}.html", page)
    return known
