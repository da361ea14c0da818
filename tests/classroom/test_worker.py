"""What JupyterLab runs, the grader's worker runs. IPython itself, in a notebook's namespace, is the reference."""

import os
import platform
import sys
import threading
import time
import types

import pytest

from classroom import checks
from classroom.grading import process, sandbox, stage, worker

SAME = {
    "help": "len?\nx = 1",
    "more help": "x = 1\nlen??",
    "shell": "!ls\nx = 1",
    "shell's output": "y = !ls\nx = len(y) * 0 + 1",
    "line magic": "%matplotlib inline\nx = 1",
    "magic within": "if True:\n    %time x = 1",
    "value of a magic": "x = %time 2 - 1",
    "cell magic": "%%time\nx = 1",
    "captured": "%%capture out --no-stderr\nx = 1",
    "nested": "%%time\n%time x = 1\nlen?",
    "other language": "%%html\n<b>x = 1</b>",
    "written file": "%%writefile of_my_own.py\nx = 1",
    "indented": "    x = 1\n    y = 2",
    "prompts": ">>> x = 1\n>>> y = 2",
    "shell object": "get_ipython().run_line_magic('time', 'x = 1')",
    "imported shell": "from IPython import get_ipython\nget_ipython().system('ls')\nx = 1",
    "unknown method": "get_ipython().events.register('post_run_cell', print) if False else get_ipython().enable_gui('qt')\nx = 1",
    "await": "import asyncio\nawait asyncio.sleep(0)\nx = 1",
    "async with": "import asyncio\nasync with asyncio.Lock():\n    x = 1",
    "async comprehension": "async def g():\n    yield 1\nx = [n async for n in g()][0]",
    "in a string": 'x = """\n%time\n!ls\n""".count("!")',
    "modulo at a line's begin": "x = (7\n% 2)",
    "pip": "pip install torch",
}  # fmt: skip

NO_PYTHON = [SAME["other language"], SAME["written file"], SAME["pip"]]


@pytest.fixture
def here(monkeypatch, tmp_path):
    """A worker in this process."""
    monkeypatch.chdir(tmp_path)
    main = types.ModuleType("__main__")
    one = object.__new__(worker.Worker)
    one.names, one.loop = main.__dict__, None
    one.shell = worker.Shell(one)
    one.names["get_ipython"] = lambda: one.shell
    import IPython

    for module in (IPython, IPython.core.getipython):
        monkeypatch.setattr(module, "get_ipython", module.get_ipython)
    return one


@pytest.mark.parametrize("source", SAME.values(), ids=SAME)
def test_cell_that_jupyterlab_runs_is_run(source, here):
    here.run(source, "cell 1")
    assert here.names.get("x") == (None if source in NO_PYTHON else 1)


def test_written_file_can_be_imported(here, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    here.run(SAME["written file"], "cell 1")
    here.run("from of_my_own import x", "cell 2")
    assert here.names["x"] == 1
    sys.modules.pop("of_my_own")


@pytest.mark.parametrize("source", ["def f(:", "x = 1 +", "return 3\nlen?"])
def test_error_of_syntax_is_named_by_its_line(source, here):
    with pytest.raises(SyntaxError) as caught:
        here.run(source, "cell 1")
    assert caught.value.lineno == 1


def test_error_in_a_magic_is_named_by_its_line(here):
    with pytest.raises(ZeroDivisionError) as caught:
        here.run("%%time\nx = 1\n1 / 0", "cell 1")
    assert worker.described(caught.value) == "line 3: ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("student", "name"), [("Ada", "Ada"), (1234567, "1234567"), (True, None), (..., None), ("a" * 300, "a" * 200)]
)
def test_student_number_without_quotes_is_a_name(student, name):
    assert worker.declared(student) == name
    if name and len(name) < 200:
        assert checks.personal("a01", "predictions", student) == checks.personal("a01", "predictions", name)


def test_answers_with_ipython_syntax_are_run_in_a_process(tmp_path):
    stage.build(tmp_path, [])
    boxed = not sandbox.missing()
    one = process.SandboxProcess(tmp_path, sandbox.Limits(), boxed, lambda *_: None)
    one.ready()
    cells = [
        "here = !ls\nstudent = 'a'",
        "%%time\nstudent += 'b'",
        "import asyncio\nawait asyncio.sleep(0)\nstudent += 'c'",
    ]
    assert [one.ask(cell=cell, name="cell")["error"] for cell in cells] == [""] * 3
    assert one.ask(value="student") == {"value": "abc"}
    one.close()


ANSWERS = """import sys
print('{"ready": true}', flush=True)
for line in sys.stdin:
    print('{"error": ""}', flush=True)
"""


def test_a_process_that_is_closed_takes_no_bytes_of_the_next_one(tmp_path, monkeypatch):
    """The thread that reads is slow between finding the pipe's number and reading it: the number must not be another's."""
    (tmp_path / process.WORKER).parent.mkdir(parents=True)
    (tmp_path / process.WORKER).write_text(ANSWERS)
    read = os.read

    def read_later(file, size):
        if threading.current_thread() is not threading.main_thread():
            time.sleep(0.3)
        return read(file, size)

    monkeypatch.setattr(os, "read", read_later)
    monkeypatch.setattr(process, "LOADING", 10)
    for _ in range(3):
        one = process.SandboxProcess(tmp_path, sandbox.Limits(), False, lambda *_: None)
        one.ready()
        assert one.ask(cell="", name="") == {"error": ""}
        one.close()


CALLS = {
    "memory that no process maps": "os.memfd_create('x')",
    "namespaces": "os.unshare(os.CLONE_NEWUSER)" if hasattr(os, "unshare") else "call(272, 0x10000000)",
    "namespaces by clone": "call(56, 0x10000011, 0, 0, 0, 0)",
    "shared memory": "call(29, 0, 1 << 30, 0o1600)",
    "other processes": "call(101, 16, os.getppid(), 0, 0)",
}


@pytest.mark.skipif(
    bool(sandbox.missing()) or platform.machine() != "x86_64", reason="the numbers are of one processor"
)
def test_kernel_refuses_what_no_notebook_needs(tmp_path):
    stage.build(tmp_path, [])
    one = process.SandboxProcess(tmp_path, sandbox.Limits(), True, lambda *_: None)
    one.ready()
    start = """import ctypes, os, threading, subprocess, sys
def call(*words):
    function = ctypes.CDLL(None, use_errno=True).syscall
    if function(*words) < 0:
        raise OSError(ctypes.get_errno(), 'refused')"""
    assert one.ask(cell=start, name="cell 1")["error"] == ""
    for call in CALLS.values():
        assert "Errno 1" in one.ask(cell=call, name="cell 2")["error"], call
    fine = """thread = threading.Thread(target=print)
thread.start(); thread.join()
child = os.fork()
if not child:
    os._exit(7)
assert os.waitpid(child, 0)[1] >> 8 == 7"""
    assert one.ask(cell=fine, name="cell 3")["error"] == ""
    one.close()
