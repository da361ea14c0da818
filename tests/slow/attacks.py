"""Submissions that try to harm the grader, the teacher or the class, or to get points that they have not earned."""

import copy
from collections.abc import Callable
from textwrap import dedent

from tests.classroom.factories import A01, FULL, POINTS, RIGHT, WRONG, Sample, insert, name_of, place

MARKER = "left-behind-by-a-student"
ATTACKS: list[Sample] = []


def right_but(name: str, source: str = "", says: str = "", points: float = FULL, **answers: str) -> None:
    """All answers are right except those given, and a cell attacks."""
    book = A01.filled(name, {**RIGHT, **{exercise: dedent(text) for exercise, text in answers.items()}})
    if source:
        insert(book, dedent(source).strip())
    ATTACKS.append(Sample(name, points, [says] if says else [], book))


def wrong_and(name: str, source: str, says: str = "", **answers: str) -> None:
    """All answers are wrong, and a cell tries to get points for them."""
    book = A01.filled(name, {**WRONG, **{exercise: dedent(text) for exercise, text in answers.items()}})
    insert(book, dedent(source).strip())
    ATTACKS.append(Sample(name, 0, [says] if says else [], book))


def changed(
    name: str, change: Callable[[dict], object], says: str = "", points: float = FULL, wrong: bool = False
) -> None:
    """A notebook whose cells are changed."""
    book = A01.filled(name, WRONG if wrong else RIGHT)
    change(book)
    ATTACKS.append(Sample(name, points, [says] if says else [], book))


# Time, memory, processes, disk, output

LIMITS = "did not end within|took more time|MemoryError|of memory"
right_but("endless-loop", "while True:\n    pass", "did not end within")
right_but(
    "endless-loop-in-an-answer",
    says="did not end within",
    points=FULL - POINTS["windows"],
    windows="def my_windows(names, context):\n    while True:\n        pass",
)
right_but(
    "endless-loop-that-catches-all",
    """
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
    """,
    "took more time than allowed and was killed",
)
right_but("sleeps", "import time\ntime.sleep(10_000)", "did not end within")
right_but(
    "fork-bomb",
    """
    import os
    while True:
        try:
            os.fork()
        except OSError:
            pass
    """,
    "was stopped and left out",
)
right_but(
    "thread-bomb",
    """
    import threading, time
    for _ in range(10_000):
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    """,
    "can't start new thread",
)
right_but("memory-hog", "hog = [bytearray(1 << 28) for _ in range(100)]", LIMITS)
right_but(
    "memory-hog-of-many",
    """
    import os, time
    for _ in range(12):
        if os.fork() == 0:
            hog = bytearray(os.urandom(1 << 20)) * 600
            time.sleep(600)
    time.sleep(600)
    """,
    "of memory",
)
right_but(
    "disk-filler",
    """
    for number in range(100):
        with open(f'/tmp/{number}', 'wb') as file:
            file.write(bytes(1 << 25))
    """,
    "No space left",
)
right_but(
    "disk-filler-elsewhere",
    """
    filled = []
    for folder in ('/', '/dev/shm', '/dev', '/course', '/course/lib', '/usr/lib', '/proc'):
        try:
            with open(folder + '/filler', 'wb') as file:
                for _ in range(20):
                    file.write(bytes(1 << 20))
            filled.append(folder)
        except OSError:
            pass
    raise RuntimeError(f'filled {filled}')
    """,
    r"filled \[\]",
)
right_but(
    "output-flood",
    """
    import os, sys
    for _ in range(1000):
        print('x' * 1_000_000)
        os.write(1, b'y' * 1_000_000)
        os.write(2, b'z' * 1_000_000)
    """,
)
right_but(
    "result-flood",
    says=f"too large|{LIMITS}",
    points=FULL - POINTS["embed"],
    embed="def my_embed(ids, table):\n    return torch.zeros(200_000_000)",
)
right_but(
    "result-flood-of-text",
    says=f"returned more data|{LIMITS}",
    points=FULL - POINTS["embed"],
    embed="def my_embed(ids, table):\n    return 'x' * 100_000_000",
)

# Other people's files, the network, processes

right_but(
    "reads-the-solutions",
    """
    import os
    solutions = {'a01.py', 'answers01.py', 'lesson01.py', 'factories.py'}
    read = [folder for folder, _, names in os.walk('/') if solutions & {*names}]
    raise RuntimeError(f'read {read}')
    """,
    r"read \[\]",
)
right_but(
    "reads-other-submissions",
    """
    import os
    read = []
    for folder, folders, names in os.walk('/'):
        folders[:] = [name for name in folders if name not in ('proc', 'sys', 'usr', 'lib', 'lib64', 'bin')]
        read += [f'{folder}/{name}' for name in names if name.endswith(('.ipynb', '.db', '.csv')) or name == 'seed']
    for path in THE_PATHS:
        try:
            read.append(open(path).read())
        except OSError:
            pass
    raise RuntimeError(f'read {read}')
    """,
    r"read \[\]",
)
right_but(
    "reads-the-keyring",
    """
    import ctypes
    search = lambda ring: ctypes.CDLL(None).syscall(250, 10, ring, b'user', b'a-teachers-key', 0)
    raise RuntimeError(f'read {[ring for ring in (-2, -3, -4, -5) if search(ring) > 0]}')
    """,
    r"read \[\]",
)
right_but(
    "opens-a-socket",
    """
    import socket
    reached = []
    for place in (('127.0.0.1', THE_PORT), ('1.1.1.1', 53)):
        try:
            socket.create_connection(place, timeout=2)
            reached.append(place)
        except OSError:
            pass
    raise RuntimeError(f'reached {reached}')
    """,
    r"reached \[\]",
)
right_but(
    "kills-its-parent",
    """
    import os, signal
    for pid in (os.getppid(), 1, -1, *range(2, 400)):
        if pid != os.getpid():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
    """,
)
right_but(
    "leaves-a-process-behind",
    f"""
    import os, sys, time
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv(sys.executable, [sys.executable, '-c', 'import time; time.sleep(900)', '{MARKER}'])
        os._exit(0)
    time.sleep(1)
    """,
)
right_but("exits", "import sys\nsys.exit(0)", "SystemExit")
right_but("exits-the-hard-way", "import os\nos._exit(0)", "ended its own process")
right_but("crashes", "import ctypes\nctypes.string_at(0)", "SIGSEGV")
right_but(
    "exits-in-an-answer",
    says="ended its own process",
    points=FULL - POINTS["bigram"],
    bigram="def my_bigram(X, Y, size):\n    import os\n    os._exit(0)",
)
wrong_and(
    "becomes-root",
    "import os\nfor call in (os.setuid, os.setgid):\n    call(0)",
    "Operation not permitted|Invalid argument",
)

# Points that were not earned

WIRE = "import sys\nwire = sys.modules['classroom.grading.wire']\n"
wrong_and("rows-without-numbers", "", embed="def my_embed(ids, table):\n    return [torch.empty(2**31 - 1, 0)]")
wrong_and(
    "keys-that-collide",
    WIRE + "wire.encode = lambda results: {'dict': [[k * (2**61 - 1), 0] for k in range(1, 15_000)]}",
)
wrong_and(
    "a-name-without-end",
    WIRE + "old = wire.write\n"
    "wire.write = lambda message: old({'value': 'x' * 3_000_000} if 'value' in message else message)",
)
wrong_and(
    "overwrites-the-checks",
    """
    import sys
    from classroom import checks
    from lib.checks import exercise
    right = exercise.right('well done')
    checks.check = checks.grade = lambda *a, **k: None
    exercise.Implement.judge = exercise.Predict.judge = lambda *a: right
    exercise.collect = lambda exercise, answer, cases: []
    for name in [n for n in sys.modules if n.startswith(('lib', 'classroom'))]:
        sys.modules[name].collect = lambda *a: []
    """,
)
wrong_and(
    "overwrites-assert",
    """
    import builtins
    class Never(Exception):
        pass
    builtins.AssertionError = AssertionError = Never
    """,
)
wrong_and(
    "overwrites-builtins",
    """
    import builtins
    builtins.isinstance = lambda *a: True
    builtins.all = builtins.any = lambda *a: True
    builtins.len = lambda *a: 1
    builtins.abs = lambda *a: 0
    builtins.type = lambda *a: dict
    """,
)
wrong_and(
    "overwrites-torch",
    """
    torch.equal = torch.allclose = lambda *a, **k: True
    torch.isclose = lambda a, b, **k: torch.ones_like(a, dtype=torch.bool)
    torch.Tensor.all = lambda self, *a: torch.tensor(True)
    torch.Tensor.__eq__ = lambda self, other: torch.tensor(True)
    """,
)
NAMES = {
    "predictions": "my_predictions",
    "windows": "my_windows",
    "embed": "my_embed",
    "mended": "net_loss",
    "bigram": "my_bigram",
}
wrong_and(
    "returns-what-equals-all",
    """
    class Equal:
        shape, dtype = (), torch.float32
        def __eq__(self, other):
            return True
        def __getattr__(self, name):
            return lambda *a, **k: self
        def __hash__(self):
            return 0
    """,
    **{exercise: f"def {answer}(*case):\n    return Equal()" for exercise, answer in NAMES.items()},
)
wrong_and(
    "patches-from-a-thread",
    """
    import sys, threading, time
    def patch():
        while True:
            for module in list(sys.modules.values()):
                if 'worker' in str(getattr(module, '__file__', '')) or 'lib' in str(module):
                    for name in ('collect', 'judge', 'grade', 'encode', 'right'):
                        if hasattr(module, name):
                            setattr(module, name, lambda *a, **k: [])
            time.sleep(0.001)
    threading.Thread(target=patch, daemon=True).start()
    """,
)
wrong_and(
    "forges-replies",
    """
    import json, os
    line = json.dumps({'results': [], 'value': 'x', 'points': 99, 'right': True, 'error': ''}).encode() + b'\\n'
    for number in range(3, 30):
        try:
            os.write(number, line)
        except OSError:
            pass
    """,
)
wrong_and(
    "sends-rubbish",
    """
    import os
    for number in range(3, 30):
        try:
            os.write(number, b'[' * 100_000 + b'\\n')
        except OSError:
            pass
    """,
    "interfered",
)
SEARCH = """
import gc, sys
def steal(*case):
    texts, frame = [], sys._getframe()
    while frame:
        texts.append(repr(frame.f_locals)[:2000])
        frame = frame.f_back
    for thing in gc.get_objects():
        for name in ('solution', 'judge', 'questions', 'hidden'):
            try:
                stolen = thing.__dict__[name]
            except Exception:
                continue
            if callable(stolen) and 'lib.checks' not in str(thing):
                try:
                    return stolen(*case)
                except Exception:
                    pass
    print(texts)
    raise RuntimeError('nothing in memory')
my_windows = my_embed = net_loss = my_bigram = my_predictions = steal
"""
wrong_and("searches-memory-for-the-tests", "import gc", "nothing in memory", **dict.fromkeys(POINTS, SEARCH))
STEALS = "from classroom.assignments.a01 import EXERCISES\n{} = EXERCISES['{}'].solution"
wrong_and(
    "imports-the-solutions",
    "import os\nos.listdir('/course/classroom/assignments')",
    "only the modules that the assignment itself imports",
    windows=STEALS.format("my_windows", "windows"),
    bigram=STEALS.format("my_bigram", "bigram"),
)
wrong_and(
    "uses-the-lessons-code",
    "from lib.data import make_windows",
    "only the modules that the assignment itself imports",
)
wrong_and(
    "reads-the-history",
    "from IPython import get_ipython\nprint(get_ipython().history_manager.get_tail())",
    "ended with an error",
)
wrong_and(
    "no-plain-numbers",
    "",
    predictions="""
    def my_predictions(mine):
        numbers = {'windows': 10 ** 5000, 'padding': float('nan'), 'rows': '\\ud800'}
        return {**numbers, 'shape': (10 ** 400,), 'loss': 10 ** 300}
    """,
    embed="def my_embed(ids, table):\n    return torch.zeros(1).expand(1 << 40)",
    mended="def net_loss(*case):\n    x = []\n    x.append(x)\n    return x",
)
right_but("markup-in-the-name", "student = '=<script>alert(1)</script>'")

# Cells


def tests_of(book: dict) -> list[dict]:
    return [cell for cell in book["cells"] if name_of(cell) in POINTS]


def overwrite(book: dict) -> None:
    for cell in tests_of(book):
        cell["source"] = "print('Right. All of it.')"
        cell["metadata"]["nbgrader"] |= {"points": 1000}


def delete(book: dict) -> None:
    book["cells"] = [cell for cell in book["cells"] if cell not in tests_of(book)]


def duplicate(book: dict) -> None:
    for cell in tests_of(book):
        book["cells"].insert(book["cells"].index(cell), copy.deepcopy(cell))
    book["cells"].append(copy.deepcopy(book["cells"][place(book, "windows-answer")]))


def reorder(book: dict) -> None:
    first, tests = place(book, "student-answer"), tests_of(book)
    book["cells"] = [*book["cells"][:first], *tests, *[c for c in book["cells"][first:] if c not in tests]]


def lose(book: dict) -> None:
    for cell in book["cells"]:
        cell["metadata"] = {}


def lose_all(book: dict) -> None:
    lose(book)
    for cell in book["cells"]:
        cell.pop("id", None)
    book |= {"nbformat_minor": 4}


def old(book: dict) -> None:
    for cell in book["cells"]:
        cell.pop("id", None)
        if cell["cell_type"] == "code":
            cell |= {"input": cell.pop("source"), "prompt_number": 1, "language": "python", "collapsed": False}
    cells = book.pop("cells")
    book |= {"nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": cells, "metadata": {}}]}


def add_nonsense(book: dict) -> None:
    book["cells"] += [None, 7, {"source": 3}, {"metadata": {"nbgrader": {"grade_id": ["x"]}}}]


changed("overwrites-the-test-cells", overwrite, points=0, wrong=True)
changed("deletes-the-test-cells", delete, "is missing; it was restored")
changed(
    "deletes-an-answer",
    lambda book: book["cells"].pop(place(book, "embed-answer")),
    "no cell defines it",
    FULL - POINTS["embed"],
)
changed("duplicates-cells", duplicate, "it counts once")
changed("reorders-cells", reorder, "was tested at the end")
changed("loses-metadata", lose, "recognised by its id")
changed("loses-metadata-and-ids", lose_all, "recognised because it defines my_windows")
changed("old-format", old, "nbformat 3")
changed("cells-that-are-none", add_nonsense)
ATTACKS += [
    Sample("not-json", 0, ["not JSON"], data=b"\x89PNG this is no notebook"),
    Sample("deep-json", 0, ["not JSON"], data=b"[" * 1_000_000),
    Sample("no-cells", 0, ["has no cells"], data=b'{"nbformat": 4}'),
]
COPIED = A01.filled("ada", RIGHT)
for _name in ("copied-from", "copied-by"):
    ATTACKS.append(Sample(_name, FULL, [], COPIED, reported="the same name in the notebook as"))
