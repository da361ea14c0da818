"""Runs inside the sandbox: what the functions of a student's cells do, line by line, during one call of an answer.

A trace is as trustworthy as the process that reports it. Code that switches tracing off, or looks for frames to do
so, is noticed by an audit hook, which Python code can't remove, and then nothing is reported about the call.
"""

import sys
from collections import Counter
from collections.abc import Callable
from types import CodeType, FrameType

import torch
from torch import Tensor, nn

EVENTS = 50_000  # lines of a call that are counted
STEPS = 200  # lines of a function's call after which variables are looked at
CALLS = 2  # of one function, during one call of the answer
FUNCTIONS = 12
TEXT = 90  # characters of a value
SMALL = 12  # numbers of a tensor that are shown
LATER = 0x20 | 0x80 | 0x200  # flags of generators and coroutines, whose lines run after they return
TRACING = {"sys.settrace", "sys.setprofile"}
FRAMES = {
    "tb_frame",
    "gi_frame",
    "cr_frame",
    "ag_frame",
}  # attributes that lead to a frame, whose tracing can be switched
LISTS = {"gc.get_objects", "gc.get_referrers", "gc.get_referents"}
_noticed: Counter = Counter()
_hooked: list[bool] = []


def _hook(event: str, words: tuple) -> None:
    """Python's audit hook: notices what could make a trace incomplete."""
    if event in TRACING:
        _noticed["switched"] += 1
        return
    own = event == "sys._getframe" and words and words[0].f_code.co_filename.startswith("cell ")
    if own or event in LISTS or (event == "object.__getattr__" and words[1] in FRAMES):
        _noticed["frames"] += 1


def traced(work: Callable[[], object]) -> dict:
    """What happened in functions of cells during `work`: {"calls": records of calls, "problem": text or ""}."""
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked.append(True)
    tracer = Tracer()
    _noticed.clear()
    sys.settrace(tracer.enter)
    try:
        work()
    finally:
        whole = sys.gettrace() == tracer.enter
        sys.settrace(None)
    problems = {"it switches Python's tracing on or off": not whole or _noticed["switched"] != 2}
    problems |= {"it looks into Python's own frames": _noticed["frames"]}
    if problem := next((text for text, there in problems.items() if there), ""):
        return {"calls": [], "problem": problem}
    if tracer.events > EVENTS:
        return {"calls": [], "problem": f"more than {EVENTS:,} of its lines ran"}
    return {"calls": [call for call in tracer.calls if call.pop("ended")], "problem": ""}


class Tracer:
    """Records calls of functions that are defined in cells; a call inside a call of the same function counts with it."""

    def __init__(self) -> None:
        self.calls: list[dict] = []
        self.events = 0
        self.open: dict[CodeType, dict] = {}
        self.recorded: Counter = Counter()

    def enter(self, frame: FrameType, event: str, _: object) -> Callable | None:
        """Python's global trace function: called at the begin of every function."""
        code = frame.f_code
        cell = code.co_filename
        if event != "call" or not cell.startswith("cell ") or code.co_name.startswith("<") or code.co_flags & LATER:
            return None
        if self.events > EVENTS:
            return None
        if outer := self.open.get(code):
            outer["inner"] += 1
            return lambda frame, event, _: self.count(outer, frame, event) or self.enter_inner(outer)
        if self.recorded[code] >= CALLS or len(self.recorded) > FUNCTIONS:
            return None
        self.recorded[code] += 1
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4)]
        given = [(name, *argument(frame.f_locals[name])) for name in names if name in frame.f_locals]
        call = {"cell": int(cell.split()[1]), "line": code.co_firstlineno, "name": code.co_name, "given": given}
        call |= {"result": None, "error": None, "inner": 0, "counts": {}, "values": [], "ended": False}
        self.calls.append(call)
        self.open[code] = call
        return Frame(self, call, {name: shown(value) for name, value in frame.f_locals.items()}).event

    def enter_inner(self, outer: dict) -> Callable:
        """The local trace function of a call inside a call of the same function."""
        return lambda frame, event, _: self.count(outer, frame, event) or self.enter_inner(outer)

    def count(self, call: dict, frame: FrameType, event: str) -> None:
        if event == "line" and self.events <= EVENTS:
            self.events += 1
            call["counts"][frame.f_lineno] = call["counts"].get(frame.f_lineno, 0) + 1


class Frame:
    """One call of a function: its lines, and its variables after each of them."""

    def __init__(self, tracer: Tracer, call: dict, before: dict) -> None:
        self.tracer, self.call, self.before = tracer, call, before
        self.line, self.steps, self.raised, self.failing = 0, 0, False, None

    def event(self, frame: FrameType, event: str, value: object) -> Callable:
        """Python's local trace function."""
        call = self.call
        if self.tracer.events > EVENTS:
            frame.f_trace = None
            return None
        if event == "exception":
            if value[0] is not StopIteration:  # which also ends loops
                self.raised, self.failing = True, [frame.f_lineno, value[0].__name__]
            return self.event
        if self.line and not self.failing and self.steps < STEPS:
            self.steps += 1
            after = {name: shown(value) for name, value in frame.f_locals.items()}
            new = [name for name in after if after[name] and after[name] != self.before.get(name)]
            call["values"] += [[self.line, call["counts"].get(self.line, 0), name, *after[name]] for name in new[:8]]
            self.before = after
        if event == "return":
            call["ended"], self.line = True, 0
            self.tracer.open.pop(frame.f_code, None)
            call["error"] = self.failing if value is None else None
            call["result"] = None if self.raised and value is None else shown(value)
        else:
            self.line, self.failing = frame.f_lineno, None
            self.tracer.count(call, frame, event)
        return self.event


def shown(value: object, room: int = TEXT) -> tuple[str, str] | None:
    """("value", text); ("shape", text) of a tensor; "shapes" of those in a list; "length" of a long list; None if unknown.

    Only the types of Python and torch themselves: no method of a student's class is called.
    """
    kind = type(value)
    if kind in (bool, type(None)) or (kind is int and abs(value) < 1 << 64):
        return "value", repr(value)
    if kind is float:
        return "value", f"{value:.3g}"
    if kind is str and len(value) <= room:
        return "value", repr(value)
    if kind in (Tensor, nn.Parameter):
        whole = not value.is_floating_point() and not value.is_complex() and 0 < value.numel() <= SMALL
        return ("value", f"tensor({value.tolist()})") if whole else ("shape", str(tuple(value.shape)))
    if kind in (list, tuple, torch.Size, dict):
        items = [*value.items()] if kind is dict else [*value] if len(value) <= room else []
        parts = [shown(item, room // 2) for item in items] if len(items) == len(value) <= 40 else [None]
        if all(part and part[0] != "length" for part in parts):
            texts = [part[1] for part in parts]
            if kind is dict:
                texts = [": ".join(part[1][1:-1].split(", ", 1)) for part in parts]
            left, right = {list: "[]", dict: "{}"}.get(kind, "()")
            text = f"{left}{', '.join(texts)}{',' * (left == '(' and len(texts) == 1)}{right}"
            if len(text) <= room:
                return "value" if all(part[0] == "value" for part in parts) else "shapes", text
        return "length", str(len(value))
    return None


def argument(value: object) -> tuple[str, str]:
    """An argument as a question shows it: in full if it is small, otherwise by its shape or type."""
    if type(value) in (Tensor, nn.Parameter) and value.is_floating_point() and 0 < value.numel() <= SMALL:
        numbers = lambda item: [*map(numbers, item)] if isinstance(item, list) else float(f"{item:.3g}")
        return "value", f"tensor({numbers(value.tolist())})"
    kind, text = shown(value, 2 * TEXT) or ("other", f"a {type(value).__name__[:40]}")
    begin = {"shape": "a tensor of shape ", "length": f"a {type(value).__name__} of length "}.get(kind, "")
    begin = "tensors of the shapes " if kind == "shapes" else begin
    return kind, begin + text
