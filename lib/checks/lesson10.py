"""Checks of lesson 10: one step of a queue."""

from lib.checks.exercise import Implement, Mistake

# Exercise 1: a queue, oldest first, and a new input, to the input that the layer reads and the new queue.
queue_step = Implement(
    "my_step",
    [(["a", "r", "l", "i"], "e"), (["l", "i"], "e"), (["i"], "e"), ([3, 1, 4, 1, 5, 9, 2, 6], 7)],
    solution=lambda q, n: (q[0], [*q[1:], n]),
    praise="my_step read and moved queues of 1, 2, 4 and 8 inputs.",
    mistakes=(
        Mistake(
            "newest instead of oldest",
            "You read the newest input; the tap looks `dilation` steps back, which is the oldest.",
            lambda q, n: (q[-1], [*q[1:], n]),
        ),
        Mistake(
            "written before it is read",
            "You added the new input before you read, so that the oldest was gone already.",
            lambda q, n: ([*q, n][1], [*q[1:], n]),
        ),
        Mistake(
            "not moved",
            "The queue that you return is unchanged: remove the oldest, add the new one.",
            lambda q, n: (q[0], q),
        ),
        Mistake("oldest kept", "The queue has grown by one: remove the oldest.", lambda q, n: (q[0], [*q, n])),
        Mistake(
            "new one not put in",
            "The queue is shorter than before: add the new input at the end.",
            lambda q, n: (q[0], q[1:]),
        ),
        Mistake(
            "put in at the front",
            "The new input belongs at the end: the oldest is at the front.",
            lambda q, n: (q[0], [n, *q[1:]]),
        ),
        Mistake(
            "newest overwritten",
            "Remove the oldest; you wrote over the newest.",
            lambda q, n: (q[0], [*q[:-1], n]),
        ),
        Mistake("turned round", "The queue is in the wrong order: oldest first.", lambda q, n: (q[0], [n, *q[:0:-1]])),
        Mistake(
            "wrong order",
            "The two are in the wrong order: first what was read, then the queue.",
            lambda q, n: ([*q[1:], n], q[0]),
        ),
        Mistake(
            "new input read",
            "You returned the new input; what the layer needs besides it is the oldest of the queue.",
            lambda q, n: (n, [*q[1:], n]),
        ),
    ),
    hint="Draw the queue before and after.",
)
