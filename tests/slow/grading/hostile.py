"""Submissions that try to harm the grader, the teacher or the class, or to get points that they have not earned."""

import copy
from collections.abc import Callable

from tests.slow.grading.made import FULL, POINTS, RIGHT, WRONG, Made, filled, find, insert, name_of, place

MARKER = "left-behind-by-a-student"
HOSTILE: list[Made] = []


def right_but(name: str, source: str, points: float = FULL, says: str | list[str] = "", **answers: str) -> None:
    """All answers right, but for those given, and a cell that attacks."""
    book = filled(name, {**RIGHT, **answers})
    if source:
        insert(book, source)
    HOSTILE.append(Made(name, points, [says] if isinstance(says, str) else says, book))


def wrong_and(name: str, source: str, says: str = "", **answers: str) -> None:
    """All answers wrong, and a cell that wants points for them."""
    book = filled(name, {**WRONG, **answers})
    insert(book, source)
    HOSTILE.append(Made(name, 0, [says], book))


def changed(
    name: str, change: Callable[[dict], object], points: float = FULL, says: str = "", wrong: bool = False
) -> None:
    """A notebook whose cells were changed."""
    book = filled(name, WRONG if wrong else RIGHT)
    change(book)
    HOSTILE.append(Made(name, points, [says], book))


# Time, memory, processes, disk, output

right_but("endless-loop", "while True:\n    pass", says="did not end in")
right_but("endless-loop-in-an-answer", "", FULL - POINTS["windows"], "did not end in", windows="def my_windows(names, context):\n    while True:\n        pass")  # fmt: skip
right_but("endless-loop-that-catches-all", "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass", says="had to be killed")  # fmt: skip
right_but("fork-bomb", "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass", says="was stopped and left out")  # fmt: skip
right_but("thread-bomb", "import threading, time\nfor _ in range(10_000):\n    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()", says="can't start new thread")  # fmt: skip
right_but(
    "memory-hog",
    "hog = [bytearray(1 << 28) for _ in range(100)]",
    says="MemoryError|of memory|did not end in|more time than it may",
)
right_but("memory-hog-of-many", "import os, time\nfor _ in range(12):\n    if os.fork() == 0:\n        hog = bytearray(os.urandom(1 << 20)) * 600\n        time.sleep(600)\ntime.sleep(600)", says="of memory")  # fmt: skip
right_but("disk-filler", "for number in range(100):\n    with open(f'/tmp/{number}', 'wb') as file:\n        file.write(bytes(1 << 25))", says="No space left")  # fmt: skip
right_but("disk-filler-elsewhere", "found = []\nfor folder in ('/', '/dev/shm', '/dev', '/course', '/course/lib', '/usr/lib', '/proc'):\n    try:\n        with open(folder + '/filler', 'wb') as file:\n            for _ in range(20):\n                file.write(bytes(1 << 20))\n        found.append(folder)\n    except OSError:\n        pass\nraise RuntimeError(f'filled {found}')", says="filled []")  # fmt: skip
right_but("output-flood", "import os, sys\nfor _ in range(1000):\n    print('x' * 1_000_000)\n    os.write(1, b'y' * 1_000_000)\n    os.write(2, b'z' * 1_000_000)")  # fmt: skip
right_but("result-flood", "", FULL - POINTS["embed"], "too large|of memory|did not end in|MemoryError|more time than it may", embed="def my_embed(ids, table):\n    return torch.zeros(200_000_000)")  # fmt: skip
right_but("result-flood-of-text", "", FULL - POINTS["embed"], "handed over more|of memory|did not end in|MemoryError|more time than it may", embed="def my_embed(ids, table):\n    return 'x' * 100_000_000")  # fmt: skip

# Other people's files, the network, processes

LOOK = """
import os
found = []
for folder, folders, names in os.walk('/'):
    folders[:] = [name for name in folders if name not in ('proc', 'sys', 'usr', 'lib', 'lib64', 'bin')]
    found += [f'{folder}/{name}' for name in names if name.endswith(('.ipynb', '.db', '.csv')) or name == 'seed']
for path in THE_PATHS:
    try:
        found.append(open(path).read())
    except OSError:
        pass
raise RuntimeError(f'found {found}')
"""
right_but("reads-the-solutions", "import os\nfound = [folder for folder, _, names in os.walk('/') if 'assignment01.py' in names or 'answers01.py' in names]\nraise RuntimeError(f'found {found}')", says="found []")  # fmt: skip
right_but("reads-other-submissions", LOOK, says="found []")
right_but("reads-the-keyring", "import ctypes\nsearch = lambda ring: ctypes.CDLL(None).syscall(250, 10, ring, b'user', b'a-teachers-key', 0)\nraise RuntimeError(f'found {[ring for ring in (-2, -3, -4, -5) if search(ring) > 0]}')", says="found []")  # fmt: skip
right_but("opens-a-socket", "import socket\nreached = []\nfor place in (('127.0.0.1', THE_PORT), ('1.1.1.1', 53)):\n    try:\n        socket.create_connection(place, timeout=2)\n        reached.append(place)\n    except OSError:\n        pass\nraise RuntimeError(f'reached {reached}')", says="reached []")  # fmt: skip
right_but("kills-its-parent", "import os, signal\nfor pid in (os.getppid(), 1, -1, *range(2, 400)):\n    if pid != os.getpid():\n        try:\n            os.kill(pid, signal.SIGKILL)\n        except OSError:\n            pass")  # fmt: skip
right_but("leaves-a-process-behind", f"import os, sys, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        os.execv(sys.executable, [sys.executable, '-c', 'import time; time.sleep(900)', '{MARKER}'])\n    os._exit(0)\ntime.sleep(1)")  # fmt: skip
right_but("exits", "import sys\nsys.exit(0)", says="SystemExit")
right_but("exits-the-hard-way", "import os\nos._exit(0)", says="ended its own process")
right_but("crashes", "import ctypes\nctypes.string_at(0)", says="SIGSEGV")
right_but("exits-in-an-answer", "", FULL - POINTS["bigram"], "ended its own process", bigram="def my_bigram(X, Y, size):\n    import os\n    os._exit(0)")  # fmt: skip
wrong_and(
    "becomes-root",
    "import os\nfor call in (os.setuid, os.setgid):\n    call(0)",
    "Operation not permitted|Invalid argument",
)

# Points that were not earned

wrong_and("rows-without-numbers", "", "", embed="def my_embed(ids, table):\n    return [torch.empty(2**31 - 1, 0)]")
wrong_and("keys-that-collide", "import sys\nwire = sys.modules['wire']\nwire.encode = lambda came: {'dict': [[k * (2**61 - 1), 0] for k in range(1, 15_000)]}", "")  # fmt: skip
wrong_and("a-name-without-end", "import sys\nwire = sys.modules['wire']\nold = wire.write\nwire.write = lambda message: old({'value': 'x' * 3_000_000} if 'value' in message else message)", "")  # fmt: skip

wrong_and("overwrites-the-checks", "import sys\nfrom lib.checks import assignment, verdict\nchecks.check = checks.grade = lambda *a, **k: None\nright = verdict.right('well done')\nassignment.grade = assignment.check = assignment._verdict = lambda *a, **k: right\nassignment.collect = lambda exercise, answer, cases: []\nfor name in [n for n in sys.modules if n.startswith('lib')]:\n    sys.modules[name].collect = lambda *a: []")  # fmt: skip
wrong_and(
    "overwrites-assert",
    "import builtins\nclass Never(Exception):\n    pass\nbuiltins.AssertionError = AssertionError = Never",
)
wrong_and("overwrites-builtins", "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.all = builtins.any = lambda *a: True\nbuiltins.len = lambda *a: 1\nbuiltins.abs = lambda *a: 0\nbuiltins.type = lambda *a: dict", "")  # fmt: skip
wrong_and("overwrites-torch", "torch.equal = torch.allclose = lambda *a, **k: True\ntorch.isclose = lambda a, b, **k: torch.ones_like(a, dtype=torch.bool)\ntorch.Tensor.all = lambda self, *a: torch.tensor(True)\ntorch.Tensor.__eq__ = lambda self, other: torch.tensor(True)")  # fmt: skip
EQUAL = "class Equal:\n    shape, dtype = (), torch.float32\n    def __eq__(self, other):\n        return True\n    def __getattr__(self, name):\n        return lambda *a, **k: self\n    def __hash__(self):\n        return 0"  # fmt: skip
wrong_and("returns-what-equals-all", EQUAL, **{exercise: f"def {answer}(*case):\n    return Equal()" for exercise, answer in (("predictions", "my_predictions"), ("windows", "my_windows"), ("embed", "my_embed"), ("mended", "net_loss"), ("bigram", "my_bigram"))})  # fmt: skip
PATCHES = "import sys, threading, time\ndef patch():\n    while True:\n        for module in list(sys.modules.values()):\n            if 'worker' in str(getattr(module, '__file__', '')) or 'lib' in str(module):\n                for name in ('collect', 'judge', 'grade', 'encode', 'right'):\n                    if hasattr(module, name):\n                        setattr(module, name, lambda *a, **k: [])\n        time.sleep(0.001)\nthreading.Thread(target=patch, daemon=True).start()"  # fmt: skip
wrong_and("patches-from-a-thread", PATCHES)
FORGES = "import json, os, threading, time\nline = json.dumps({'came': [], 'value': 'x', 'points': 99, 'right': True, 'error': ''}).encode() + b'\\n'\nfor number in range(3, 30):\n    try:\n        os.write(number, line)\n    except OSError:\n        pass"  # fmt: skip
wrong_and("forges-replies", FORGES)
wrong_and("sends-rubbish", "import os\nfor number in range(3, 30):\n    try:\n        os.write(number, b'[' * 100_000 + b'\\n')\n    except OSError:\n        pass", "interfered")  # fmt: skip
SEARCH = "import gc, sys\ndef steal(*case):\n    texts, frame = [], sys._getframe()\n    while frame:\n        texts.append(repr(frame.f_locals)[:2000])\n        frame = frame.f_back\n    for thing in gc.get_objects():\n        for name in ('solution', 'judge', 'questions', 'hidden'):\n            try:\n                found = thing.__dict__[name]\n            except Exception:\n                continue\n            if callable(found) and 'lib.checks' not in str(thing):\n                try:\n                    return found(*case)\n                except Exception:\n                    pass\n    print(texts)\n    raise RuntimeError('nothing in memory')\nmy_windows = my_embed = net_loss = my_bigram = my_predictions = steal"  # fmt: skip
wrong_and(
    "searches-memory-for-the-tests", "import gc", "nothing in memory", **{exercise: SEARCH for exercise in POINTS}
)
STEALS = "from classroom.assignments.a01 import EXERCISES\n{answer} = EXERCISES['{exercise}'].solution"
wrong_and("imports-the-solutions", "import os\nos.listdir('/course/lib/checks')", "only what the assignment itself imports", windows=STEALS.format(answer="my_windows", exercise="windows"), bigram=STEALS.format(answer="my_bigram", exercise="bigram"))  # fmt: skip
wrong_and("uses-the-lessons-code", "from lib.data import make_windows", "only what the assignment itself imports")
wrong_and(
    "reads-the-history",
    "from IPython import get_ipython\nprint(get_ipython().history_manager.get_tail())",
    "ended with an error",
)
wrong_and("no-plain-numbers", "", "", predictions="def my_predictions(mine):\n    return {'windows': 10 ** 5000, 'padding': float('nan'), 'rows': '\\ud800', 'shape': (10 ** 400,), 'loss': 10 ** 300}", embed="def my_embed(ids, table):\n    return torch.zeros(1).expand(1 << 40)", mended="def net_loss(*case):\n    x = []\n    x.append(x)\n    return x")  # fmt: skip
right_but("markup-in-the-name", "student = '=<script>alert(1)</script>'", says="")

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
    book["cells"].append(copy.deepcopy(find(book, "windows-answer")))


def reorder(book: dict) -> None:
    first = place(book, "student-answer")
    tests = tests_of(book)
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


changed("overwrites-the-test-cells", overwrite, 0, wrong=True)
changed("deletes-the-test-cells", delete, says="is missing; it was put back")
changed("deletes-an-answer", lambda book: book["cells"].pop(place(book, "embed-answer")), FULL - POINTS["embed"], "no cell defines it")  # fmt: skip
changed("duplicates-cells", duplicate, says="it counts once")
changed("reorders-cells", reorder, says="it was asked at the end")
changed("loses-metadata", lose, says="it was known by its id")
changed("loses-metadata-and-ids", lose_all, says="it was known by defining my_windows")
changed("old-format", old, says="nbformat 3")
changed("cells-that-are-none", lambda book: book["cells"].extend([None, 7, {"source": 3}, {"metadata": {"nbgrader": {"grade_id": ["x"]}}}]))  # fmt: skip
HOSTILE.append(Made("not-json", 0, ["not JSON"], data=b"\x89PNG this is no notebook"))
HOSTILE.append(Made("deep-json", 0, ["not JSON"], data=b"[" * 1_000_000))
HOSTILE.append(Made("no-cells", 0, ["has no cells"], data=b'{"nbformat": 4}'))
HOSTILE.append(Made("two-hundred-megabytes", 0, ["200 MB large"], data=b'{"cells": [' + b" " * 200_000_000 + b"]}"))
COPIED = filled("ada", RIGHT)
for _name in ("copied-from", "copied-by"):
    HOSTILE.append(Made(_name, FULL, [], copy.deepcopy(COPIED), reported="the same name in the notebook as"))
