"""Questions to students about their own code: every answer in the key is what the code does, or there is no question."""

import ast
import importlib
import json

import pytest
import torch

from classroom.assignments.probes import PROBES
from classroom.checks import collect, find
from classroom.grading import attempt, questions, sandbox, stage, tracing, wire, worker
from classroom.grading.notebook import Plan
from classroom.grading.submissions import Submission
from tests.classroom.catalogue.catalogue import Answer
from tests.classroom.factories import A01, POINTS, RIGHT, SOURCES

pytestmark = pytest.mark.classroom
NOTHING = {None, ("value", "None")}
SHORT = [source.stem[:3] for source in SOURCES]


def module_of(assignment):
    return importlib.import_module(f"tests.classroom.catalogue.answers{assignment[1:]}")


def cases_of(exercise):
    return sorted(exercise.cases("a seed", "ada"), key=questions._size)[: questions.CASES]


def traces_of(answer: Answer):
    """What the tracer reports of an answer, and the questions."""
    exercise, source = find(answer.assignment, answer.exercise), answer.cell()
    names = dict(vars(module_of(answer.assignment)))
    exec(compile(source, "cell 1", "exec"), names)
    work = lambda case: lambda: collect(exercise, names[exercise.answer], [case])
    torch.manual_seed(0)
    traces = [tracing.traced(work(case)) for case in cases_of(exercise)]
    functions = questions._functions(Plan(steps=[("cell", 1, source)]))
    return traces, functions, questions._agreed(answer.exercise, [traces, traces], functions)


class Calls(ast.NodeTransformer):
    """Another way to the same facts, without tracing: statements that tell what happened, written into the code."""

    def __init__(self, answer: Answer) -> None:
        exercise, self.calls, self.open = find(answer.assignment, answer.exercise), [], {}
        names = dict(vars(module_of(answer.assignment))) | {"begin_": self.begin}
        tree = ast.fix_missing_locations(self.visit(ast.parse(answer.cell())))
        exec(compile(tree, "told", "exec"), names)
        torch.manual_seed(0)
        for case in cases_of(exercise):
            self.seen = {}
            collect(exercise, names[exercise.answer], [case])

    def visit_FunctionDef(self, node):
        line = node.decorator_list[0].lineno if node.decorator_list else node.lineno
        self.generic_visit(node)
        begin = ast.parse(f"call_ = begin_({line}, {node.name!r}, locals())").body
        body = ast.parse("try: pass\nexcept BaseException as error_: call_.fail(error_); raise").body[0]
        body.body = self.told(node.body)
        node.body = [*begin, body]
        return node

    def told(self, body):
        lines = []
        for statement in body:
            line = statement.lineno
            for part in ("body", "orelse", "finalbody"):
                if getattr(statement, part, None) and not isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                    setattr(statement, part, self.told(getattr(statement, part)))
            for handler in getattr(statement, "handlers", []):
                handler.body = self.told(handler.body)
            if isinstance(statement, ast.Return):
                statement.value = ast.Call(
                    ast.parse("call_.done", mode="eval").body, [statement.value] if statement.value else [], []
                )
            simple = isinstance(statement, questions.SIMPLE)
            lines += ast.parse(f"call_.before({line})").body if simple else []
            lines += [statement]
            lines += ast.parse(f"call_.after({line}, locals())").body if simple else []
        return lines

    def begin(self, line, name, given):
        self.seen[line] = self.seen.get(line, 0) + 1
        call = Told(self, line, name, {key: tracing.argument(value) for key, value in given.items()})
        if self.seen[line] <= tracing.CALLS:
            self.calls.append(call)
        return call


class Told:
    def __init__(self, calls, line, name, given):
        self.line, self.name, self.given, self.result, self.error = line, name, given, None, None
        self.counts, self.values = {}, {}

    def before(self, line):
        self.counts[line] = self.counts.get(line, 0) + 1

    def after(self, line, names):
        self.values[line, self.counts[line]] = {name: tracing.shown(value) for name, value in names.items()}

    def done(self, value=None):
        self.result = tracing.shown(value)
        return value

    def fail(self, error):
        self.error = type(error).__name__


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("assignment", SHORT)
def test_every_answer_in_the_key_is_what_the_code_does(assignment):
    asked = 0
    for answer in module_of(assignment).ANSWERS:
        if answer.mistake == "not done":
            continue
        traces, functions, (made, why) = traces_of(answer)
        assert bool(made) != bool(why)
        traced, told = [call for trace in traces for call in trace["calls"]], Calls(answer).calls
        lines = {line for _, line in functions} - {call["line"] for call in traced if call["inner"]}
        in_order = lambda calls, line_of, lines=lines: sorted((c for c in calls if line_of(c) in lines), key=line_of)
        traced, told = in_order(traced, lambda call: call["line"]), in_order(told, lambda call: call.line)
        for call, other in zip(traced, told, strict=True):
            function = functions[1, call["line"]]
            assert (call["line"], call["name"]) == (other.line, other.name)
            assert all(other.given[name] == (kind, text) for name, kind, text in call["given"])
            if isinstance(function, str):
                continue
            assert not call["error"] or call["error"][1] == other.error
            assert call["result"] == other.result or other.error or {call["result"], other.result} <= NOTHING
            assert {n: call["counts"].get(n, 0) for n in function.counted} == {
                n: other.counts.get(n, 0) for n in function.counted
            }
            for line, nth, name, kind, text in call["values"]:
                if name in function.simple.get(line, ()):
                    assert other.values[line, nth][name] == (kind, text)
            asked += len([*questions._about(answer.exercise, function, call)])
    assert asked > 100


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stage")
    stage.build(folder, [cell.source for cell in A01.assignment.cells if cell.kind == "code"])
    return attempt.RunConfig(A01.assignment, folder, "a seed", sandbox.Limits(seconds=4), not sandbox.missing())


class Inside:
    """The sandbox's worker in this process, for code that neither ends it nor loads it for long."""

    cpu = 0

    def __init__(self, *_):
        one = self.worker = object.__new__(worker.Worker)
        one.names, one.loop, one.wire = {"__name__": "__main__"}, None, wire
        one.traced, one.probes, one.shell = tracing.traced, PROBES, worker.Shell(one)
        one.within = lambda limits, work: (work(), "", "")
        one.names["get_ipython"] = lambda: one.shell

    ready = close = lambda self: None

    def ask(self, **request):
        if "trace" in request:
            self.worker.collect = lambda _, answer, cases: collect(find(*request["trace"]), answer, cases)
            return self.worker.results(request, "trace", "traces", self.worker.traces)
        if "value" in request:
            return {"value": worker.declared(self.worker.names.get(request["value"]))}
        try:
            self.worker.run(request["cell"], request["name"])
        except Exception as problem:
            return {"error": str(problem)}
        return {}


def asked(config, answers, student="ada", start=Inside):
    return questions.ask(config, Submission(student, json.dumps(A01.filled("ada", answers)).encode()), start)


EMBED = "def my_embed(ids, table):\n    "
NONE = {
    "loops": (EMBED + "while True:\n        pass", "did not end within 4 seconds"),
    "many lines": (EMBED + "for i in range(100_000):\n        n = i + 1\n    return table[ids]", "of its lines ran"),
    "switched off": (EMBED + "__import__('sys').__dict__['set' + 'trace'](None)\n    return table[ids]", "switches Python"),
    "in the text": (EMBED + "import sys\n    sys.settrace(None)\n    return table[ids]", "switches Python's tracing"),
    "a frame's": (
        EMBED + "import sys\n    setattr(sys._getframe(), 'f_' + 'trace_lines', False)\n    n = len(ids)\n    return table[ids]",
        "Python's own frames",
    ),
    "a traceback's": (
        EMBED + "try:\n        1 / 0\n    except ZeroDivisionError as e:\n        f = e.__traceback__.tb_frame\n    return table[ids]",
        "Python's own frames",
    ),
    "lambda": ("my_embed = lambda ids, table: table[ids]", "no function that is written with def"),
    "decorated": ("def plus(f):\n    return lambda *a: f(*a) + 1\n@plus\n" + EMBED + "return table[ids]", "decorator"),
    "magic": ("%%time\n" + EMBED + "return table[ids]", "not plain Python"),
    "ends": (EMBED + "import os\n    os._exit(3)", "ended its own process"),
    "released": (EMBED + "pass  # your answer here", "nothing that it did"),
    "gone": ("x = 1", "no cell defines it"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "why"), NONE.values(), ids=NONE)
def test_function_from_which_no_question_can_be_made_says_why(source, why, config):
    boxed = why in ("did not end within 4 seconds", "ended its own process")
    made, without = asked(config, {"embed": source}, start=questions.SandboxProcess if boxed else Inside)
    assert not [question for question in made if question.exercise == "embed"] and why in without["embed"]


SOME = {
    "recursion": (
        EMBED + "if ids.ndim == 0:\n        out = table[ids]\n        return out\n    return torch.stack([my_embed(i, table) for i in ids])",
        {"count": "How often does line 3 run? Count the calls that it makes to itself, too."},
    ),
    "error": (EMBED + "n = len(ids)\n    raise ValueError('<b>')", {"error": "In line 3: ValueError."}),
    "prints": (EMBED + "print('x' * 50_000_000)\n    n = len(ids)\n    return table[ids]", {"variable": "After line 3, what is n?"}),
    "class": ("class E:\n    def __call__(self, ids, table):\n        n = ids.ndim\n        return table[ids]\nmy_embed = E()", {"variable": "After line 3, what is n?"}),
    "one line": (EMBED.strip() + " return table[ids]", {"returns": "Which shape has its result?"}),
}  # fmt: skip


@pytest.mark.parametrize(("source", "says"), SOME.values(), ids=SOME)
def test_code_of_many_kinds_can_be_asked_about(source, says, config):
    made, _ = asked(config, {"embed": source}, start=questions.SandboxProcess if "print" in source else Inside)
    made = [question for question in made if question.exercise == "embed"]
    for kind, text in says.items():
        assert [q for q in made if q.kind == kind and text in f"{q.text} {q.answer}"], made


UNSAID = {
    "continued line": EMBED + "n = ids.numel(\n        )\n    m = 1; k = ids.numel()\n    return table[ids]",
    "loop in a line": EMBED + "for i in range(3): n = i + 1\n    return table[ids]",
    "state": "seen = []\n" + EMBED + "seen.append(1)\n    n = len(seen)\n    return table[ids]",
    "chance": "import random\n" + EMBED + "n = random.randrange(1 << 50)\n    return table[ids]",
    "order of a set": EMBED + "n = hash('a')\n    return table[ids]",
}  # fmt: skip


@pytest.mark.parametrize("source", UNSAID.values(), ids=UNSAID)
def test_what_is_ambiguous_or_not_the_same_twice_is_not_asked(source, config):
    made, _ = asked(config, {"embed": source}, start=questions.SandboxProcess if "hash" in source else Inside)
    assert {q.kind for q in made if q.exercise == "embed"} == {"returns"}


def test_questions_are_the_same_for_a_seed_and_others_for_other_students(config):
    ada, again, eve = (asked(config, RIGHT, student)[0] for student in ("ada", "ada", "eve"))
    assert ada == again and {q.exercise for q in ada} == {*POINTS}
    pick = lambda made, student: questions.pick(made, f"a seed {student}")
    assert pick(ada, "ada") == pick(again, "ada") != pick(eve, "eve")
    assert len({q.exercise for q in pick(ada, "ada")}) == len({q.place for q in pick(ada, "ada")}) == 3


def test_students_page_has_no_answers_and_both_escape_html(config, tmp_path):
    evil = EMBED + "x = '<script>' + str(ids.ndim)\n    y = len(x)\n    return table[ids]"
    submission = Submission("<i>eve", json.dumps(A01.filled("<b>", {"embed": evil})).encode())
    known = questions.write(config, submission, tmp_path, "basis")
    student, teacher = (
        (tmp_path / "questions" / folder / "<i>eve.html").read_text("utf-8") for folder in ("students", "answers")
    )
    assert len(known["questions"]) == 3 and "no cell defines" not in student
    for question in known["questions"]:
        assert f'right">{question["answer"]}</p>' in teacher and f'right">{question["answer"]}' not in student
    assert all("<script" not in page and "<i>" not in page and "&lt;script&gt;" in page for page in (student, teacher))
    assert not any(key in student for key in ("verdict right", "No question can be made from<"))
    before = (tmp_path / "questions" / "kept" / "<i>eve.json").stat().st_mtime_ns
    assert questions.write(config, submission, tmp_path, "basis") == known
    assert (tmp_path / "questions" / "kept" / "<i>eve.json").stat().st_mtime_ns == before


def test_forged_traces_make_no_question_and_stop_nothing():
    functions = questions._functions(Plan(steps=[("cell", 1, "def f(x):\n    y = x + 1\n    return y")]))
    call = {"cell": 1, "line": 1, "name": "f", "given": [["x", "value", "1"]], "result": ["value", "2"], "error": None}
    call |= {"inner": 0, "counts": {2: 1, 3: 1}, "values": [[2, 1, "y", "value", "2"]]}
    good = [{"calls": [call], "problem": ""}]
    made, _ = questions._agreed("embed", [good, good], functions)
    assert {(q.kind, q.answer) for q in made} == {("returns", "2"), ("variable", "2")}
    lies = [None, [], [None], [{}], [{"calls": 1, "problem": ""}], [{"calls": [None], "problem": []}]]
    for key, lie in (("cell", []), ("line", "x"), ("given", 1), ("counts", []), ("values", [[1]]), ("error", 3)):
        lies.append([{"calls": [{**call, key: lie}], "problem": ""}])
    for lie in lies:
        made, why = questions._agreed("embed", [lie, good], functions)
        assert all(q.answer == "2" for q in made) and (made or why)
