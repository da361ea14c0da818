"""Checks of lesson 10: one step of a ring, and a writer with a memory to mend."""

from collections import deque
from collections.abc import Callable
from functools import partial

import torch

from lib.checks.exercise import Implement, Mistake, composed, listed


def _ring(
    ring: list,
    time: int,
    now: object,
    read: Callable = lambda ring, slot: ring[slot],
    write: Callable = lambda ring, slot, now: [*ring[:slot], now, *ring[slot + 1 :]],
    slot: Callable = lambda time, size: time % size,
) -> tuple:
    slot = slot(time, len(ring))
    return read(ring, slot), write(ring, slot, now)


def _mistaken(**part: Callable) -> Callable:
    return partial(_ring, **part)


# Exercise 1: a ring, a time step and a new input, to the input that the layer reads and the new ring.
ring_step = Implement(
    "my_step",
    [
        (["l", "i", "a", "r"], 6, "e"),
        (["l", "i"], 6, "e"),
        (["l", "r"], 5, "i"),
        (["i"], 6, "e"),
        (["e", "h", "a", "r", "l", "i"], 7, "s"),
        (["a", "h", "r", "l", "i", "e", "c", "."], 16, "x"),
        ([5, 3, 0, 0], 2, 5),  # early, when the stop marks that filled it are still there
        ([0, 3, 3], 8, 0),
    ],
    solution=_ring,
    praise="my_step read and wrote rings of one to eight slots.",
    mistakes=(
        Mistake(
            "moved like a queue",
            "You moved the inputs to other slots: in a ring only one slot changes.",
            lambda r, t, n: (r[0], [*r[1:], n]),
        ),
        Mistake(
            "moved like a queue",
            "You read the right slot and then moved all inputs: in a ring only one slot changes.",
            lambda r, t, n: (r[t % len(r)], [*r[1:], n]),
        ),
        Mistake(
            "always slot 0",
            "The oldest input is in slot 0 only at every d-th time step.",
            _mistaken(slot=lambda t, d: 0),
        ),
        Mistake(
            "always the last slot",
            "The oldest input is in the last slot only at every d-th time step.",
            _mistaken(slot=lambda t, d: d - 1),
        ),
        Mistake(
            "one slot too far",
            "Use the slot of `time` itself, not the one after it.",
            _mistaken(slot=lambda t, d: (t + 1) % d),
        ),
        Mistake(
            "one slot too early",
            "That is the slot of the newest input, written one step ago; use the slot of `time` itself.",
            _mistaken(slot=lambda t, d: (t - 1) % d),
        ),
        Mistake(
            "newest instead of oldest",
            "You read the newest input; the tap looks d steps back, which is the oldest.",
            _mistaken(read=lambda r, s: r[s - 1]),
        ),
        Mistake(
            "second oldest",
            "You read the input of d - 1 steps ago; the tap looks d steps back.",
            _mistaken(read=lambda r, s: r[(s + 1) % len(r)]),
        ),
        Mistake(
            "not written",
            "The ring that you return is unchanged: write the new input.",
            _mistaken(write=lambda r, s, n: r),
        ),
        Mistake(
            "ring has grown",
            "The ring has grown by one: the new input takes the place of the oldest.",
            _mistaken(write=lambda r, s, n: [*r[:s], n, *r[s:]]),
        ),
        Mistake(
            "ring has grown",
            "The ring has grown by one: write into a slot.",
            _mistaken(write=lambda r, s, n: [*r, n]),
        ),
        Mistake(
            "ring has shrunk",
            "The ring is shorter than before: the new input takes the place of the oldest.",
            _mistaken(write=lambda r, s, n: [*r[:s], *r[s + 1 :]]),
        ),
        Mistake(
            "newest overwritten",
            "You wrote over the newest input: the new one takes the place of the oldest.",
            _mistaken(write=lambda r, s, n: [n if i == (s - 1) % len(r) else old for i, old in enumerate(r)]),
        ),
        Mistake(
            "only the ring",
            "Return two things: first what was read, then the ring.",
            lambda r, t, n: _ring(r, t, n)[1],
        ),
        Mistake(
            "written before it is read",
            "You wrote the new input before you read, so that the oldest was gone already.",
            lambda r, t, n: (n, _ring(r, t, n)[1]),
        ),
        Mistake(
            "wrong order",
            "The two are in the wrong order: first what was read, then the ring.",
            lambda r, t, n: _ring(r, t, n)[::-1],
        ),
    ),
    errors=dict.fromkeys(
        ("list index out of range", "list assignment index out of range"),
        ("not wrapped", "A ring has len(ring) slots: after the last one comes slot 0 again."),
    ),
    hint="At time 6, a ring of 4 slots holds time steps 4, 5, 2, 3: which is the oldest, and where?",
)


_DILATIONS, _CHANNELS = (1, 2, 4), 6


def _small_net(name: str, size: int = 5) -> tuple[Callable, Callable]:
    """`filled` and `run` of a net with three layers; its weights depend on the name."""
    generator = torch.Generator().manual_seed(sum(map(ord, name)))
    draw = lambda *shape: torch.randn(shape, generator=generator)
    embedding, head = draw(size, _CHANNELS), 0.9 * draw(_CHANNELS, size)
    weights = draw(len(_DILATIONS), 2 * _CHANNELS, _CHANNELS) / 2

    def run(index: int, oldest: list) -> tuple:
        x, inputs = embedding[index], []
        for weight, old in zip(weights, oldest, strict=True):
            inputs.append(x)
            x = torch.tanh(torch.cat([old, x]) @ weight)
        return x @ head, inputs

    def filled() -> list[deque]:
        x, queues = embedding[0], []
        for weight, dilation in zip(weights, _DILATIONS, strict=True):
            queues.append(deque([x] * dilation))
            x = torch.tanh(torch.cat([x, x]) @ weight)
        return queues

    return filled, run


def _first_out(queues: list[deque]) -> list:
    return [queue.popleft() for queue in queues]


def _last_in(queues: list[deque], inputs: list) -> None:
    for queue, x in zip(queues, inputs, strict=True):
        queue.append(x)


def _first_in(queues: list[deque], inputs: list) -> None:
    for queue, x in zip(queues, inputs, strict=True):
        queue.appendleft(x)


def _drawn(logits: torch.Tensor, u: float) -> int:
    return int((logits.softmax(0).cumsum(0) <= u).sum())


def _written(
    *case: object,
    put: Callable = _last_in,
    anew: str = "name",
    start: str = "name",
    letter: Callable = lambda index: index,
    choose: Callable = _drawn,
    stops: bool = True,
    with_stop: bool = False,
) -> list[list[int]]:
    filled, run, darts = case if len(case) == 3 else (*_small_net(case[0]), case[1])
    queues, names, index = filled(), [], 0
    for row in darts:
        names.append([])
        queues = filled() if anew == "name" else queues
        index = 0 if start == "name" else index
        for u in row:
            queues = filled() if anew == "letter" else queues
            logits, inputs = run(letter(index), _first_out(queues))
            put(queues, inputs)
            index = choose(logits, u)
            if index or with_stop or not stops:
                names[-1].append(index)
            if stops and index == 0:
                queues = filled() if anew == "stop" else queues
                break
    return names


def _with_small_net(answer: Callable, name: str, darts: list) -> object:
    return listed(answer, *_small_net(name), darts)


def _darts(seed: int, *lengths: int) -> list[list[float]]:
    generator = torch.Generator().manual_seed(seed)
    return [[int(100 * u) / 100 for u in torch.rand(n, generator=generator).tolist()] for n in lengths]


# Exercise 2, code to mend: two functions and darts, one row per name, to the ids of the names, without stop marks.
mend_memory = Implement(
    "my_names",
    [
        ("net A", _darts(11, 6, 8)),
        ("net B", _darts(5, 9, 9, 9)),
        ("net C", _darts(5, 10)),
        ("net D", _darts(7, 5, 3, 6, 12)),
        ("net D", _darts(0, 20, 7, 6, 5, 6, 9)),
    ],
    solution=_written,
    praise="Sixteen names by four nets come out right: each layer reads its oldest input, and no name knows the one before it.",
    mistakes=(
        *composed(
            _written,
            put=(
                Mistake(
                    "a stack instead of a queue",
                    "Each layer reads its newest input, as if its dilation were 1. Which end does an input go in at, "
                    "and which end does it come out of?",
                    _first_in,
                ),
            ),
            anew=(
                Mistake(
                    "one memory for all names",
                    "The first name can be right, the others are not. What do the queues hold when a name begins?",
                    "never",
                ),
            ),
        ),
        Mistake(
            "filled after a stop mark only",
            "A row of darts may end without a stop mark: the next name needs fresh queues all the same.",
            lambda name, darts: _written(name, darts, anew="stop"),
        ),
        Mistake(
            "forgets at every letter",
            "Every letter is drawn after stop marks only. Fill the queues once per name, and take out what is read.",
            lambda name, darts: _written(name, darts, anew="letter"),
        ),
        Mistake(
            "starts with the last letter",
            "A name begins after a stop mark: set index to 0 for each name.",
            lambda name, darts: _written(name, darts, start="never"),
        ),
        Mistake(
            "always the stop mark",
            "The net gets a stop mark at every step: give it the letter that was drawn.",
            lambda name, darts: _written(name, darts, letter=lambda index: 0),
        ),
        Mistake(
            "stop mark kept",
            "The stop mark ends the name and is no part of it.",
            lambda name, darts: _written(name, darts, with_stop=True),
        ),
        Mistake(
            "goes on after the stop mark",
            "A name ends at the first stop mark.",
            lambda name, darts: _written(name, darts, stops=False),
        ),
        Mistake(
            "argmax",
            "The darts make no difference: each letter is the likeliest.",
            lambda name, darts: _written(name, darts, choose=lambda logits, u: int(logits.argmax())),
        ),
        Mistake(
            "only the first name",
            "One row of darts, one name: go through all rows.",
            lambda name, darts: _written(name, darts)[:1],
        ),
        Mistake(
            "one long name",
            "Each row of darts gets a list of its own.",
            lambda name, darts: [index for written in _written(name, darts) for index in written],
        ),
    ),
    probe=_with_small_net,
    errors={
        "pop from an empty deque": (
            "nothing put in",
            "What is read has to be replaced: put the inputs into the queues.",
        ),
    },
    hint="Print what each queue holds before and after a step, and at the beginning of each name.",
)
