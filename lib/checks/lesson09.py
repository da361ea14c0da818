"""Checks of lesson 09: a detector of leaks, and a net that leaks in two places."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib.checks.exercise import Implement, Mistake, composed, listed


def _leaks(
    net: nn.Module | Tensor,
    x: Tensor,
    mode: Callable = lambda always, in_training: always + in_training,
    seen: Callable = lambda slopes: (slopes != 0).any(dim=3).any(dim=1),
    floor: float = 0.0,
    where: Callable = lambda t, u: u > t,
) -> list[tuple[int, int]]:
    """The pairs (output, token) of a net with these slopes (2, T, D, T, C); the options are ways to go wrong."""
    slopes = mode(*(net.slopes if isinstance(net, nn.Module) else net))
    found = seen(slopes * (slopes.abs() > floor))  # (T, T)
    return [(t, u) for t, u in found.nonzero().tolist() if where(t, u)]


class _LinearNet(nn.Module):
    """From (B, T, C) to (B, T, D): output t has the slopes (D, T, C) of row t; the second half in train mode only."""

    def __init__(self, slopes: Tensor) -> None:
        super().__init__()
        self.slopes = slopes

    def forward(self, x: Tensor) -> Tensor:
        always, in_training = self.slopes
        return torch.einsum("tduc,buc->btd", always + in_training * self.training, x)


def _with_net(answer: Callable, slopes: Tensor, x: Tensor) -> object:
    """Call the answer on the net, in eval mode; the pairs may come in any order, and more than once."""

    def as_list(net: nn.Module, x: Tensor) -> object:
        pairs = answer(net, x)
        return list(pairs) if isinstance(pairs, set) else pairs

    pairs = listed(as_list, _LinearNet(slopes).eval(), x)
    of_pairs = isinstance(pairs, (list, tuple)) and all(isinstance(p, (list, tuple)) and len(p) == 2 for p in pairs)
    return sorted(set(map(tuple, pairs))) if of_pairs else pairs


def _by_absolute_outputs(slopes: Tensor, x: Tensor) -> list[tuple[int, int]]:
    """The pairs where the slope of the outputs' absolute values, summed over an output's channels, is not zero."""
    signs = _LinearNet(slopes)(x).sign()  # (B, T, D)
    found = (torch.einsum("btd,tduc->btuc", signs, slopes.sum(dim=0)) != 0).any(dim=3).any(dim=0)  # (T, T)
    return [(t, u) for t, u in found.nonzero().tolist() if u > t]


def _accumulated(slopes: Tensor, x: Tensor) -> list[tuple[int, int]]:
    """The pairs where this output or an earlier one sees the token."""
    T, pairs = x.shape[1], _leaks(slopes, x)
    return [(t, u) for t in range(T) for u in range(t + 1, T) if any((s, u) in pairs for s in range(t + 1))]


def _leaky_cases() -> list[tuple]:
    """Cases: slopes, and x. Each net is causal but for one kind of leak."""
    generator = torch.Generator().manual_seed(9)

    def case(
        leak: Callable = lambda always, in_training, free: None, T: int = 5, D: int = 2, C: int = 3
    ) -> tuple[Tensor, Tensor]:
        free, x = torch.randn(T, D, T, C, generator=generator), torch.randn(2, T, C, generator=generator)
        always = free * torch.ones(T, T).tril()[:, None, :, None]
        in_training = torch.zeros_like(free)
        leak(always, in_training, free)
        return torch.stack([always, in_training]), x

    def next_token(always: Tensor, in_training: Tensor, free: Tensor) -> None:
        always.copy_(free * torch.ones(len(free), len(free)).tril(1)[:, None, :, None])

    def far(always: Tensor, in_training: Tensor, free: Tensor) -> None:
        always[0, :, 3], always[1, :, 4] = free[0, :, 3], free[1, :, 4]

    def tiny(always: Tensor, in_training: Tensor, free: Tensor) -> None:
        always[1, :, 2], always[0, :, 4] = 1e-12 * free[1, :, 2], 1e-18 * free[0, :, 4]

    def mean(always: Tensor, in_training: Tensor, free: Tensor) -> None:
        in_training.add_(0.1 * free)

    def opposite_outputs(always: Tensor, in_training: Tensor, free: Tensor) -> None:
        always[2, 0, 3] = free[2, 0, 3]
        always[:, 1] = -always[:, 0]

    def opposite_channels(always: Tensor, in_training: Tensor, free: Tensor) -> None:
        always[2, :, 4, 0], always[2, :, 4, 1] = free[2, :, 4, 0], -free[2, :, 4, 0]

    def opposite_absolute_outputs(always: Tensor, in_training: Tensor, free: Tensor) -> None:
        always[:, 1] = always[:, 0]
        always[2, :, 3] = 1e-3 * torch.tensor([[1.0], [-1.0]])

    def last_output(always: Tensor, in_training: Tensor, free: Tensor) -> None:
        always[3, -1, 5] = free[3, -1, 5]

    def last_channel(always: Tensor, in_training: Tensor, free: Tensor) -> None:
        always[1, :, 2, -1] = free[1, :, 2, -1]

    def middle(always: Tensor, in_training: Tensor, free: Tensor) -> None:
        always[0, 1, 2, 1], always[2, 0, 6] = free[0, 1, 2, 1], free[2, 0, 6]

    def in_eval_mode(always: Tensor, in_training: Tensor, free: Tensor) -> None:
        always[1, :, 2:] = free[1, :, 2:]
        in_training[1, :, 2] = -free[1, :, 2]

    return [
        case(),
        case(next_token),
        case(far),
        case(tiny),
        case(mean, T=4),
        case(opposite_outputs),
        case(opposite_channels),
        case(opposite_absolute_outputs),
        case(last_output, T=6, D=3, C=4),
        case(last_channel, T=3, D=1, C=4),
        case(middle, T=7, D=3),
        case(in_eval_mode, T=4),
    ]


_PLACE = "Time steps are counted from 0, and a pair is (output, token), not a distance."
_CANCEL = "Slopes of opposite sign add up to zero. Keep them apart, or add their absolute values."

# Exercise 1: a net in eval mode and x (B, T, C), to the pairs (output, token) where an output sees a later token.
find_leaks = Implement(
    "my_leaks",
    _leaky_cases(),
    solution=_leaks,
    praise="All leaks of twelve nets are found, those of 1e-12 and those of train mode included, and none is invented.",
    mistakes=(
        *composed(
            _leaks,
            mode=(
                Mistake(
                    "tested in eval mode",
                    "This net leaks where it learns: in train mode. It was handed over in eval mode.",
                    lambda always, in_training: always,
                ),
                Mistake(
                    "both modes tested",
                    "A leak that is there in eval mode only doesn't count.",
                    lambda always, in_training: always.abs() + (always + in_training).abs(),
                ),
            ),
            seen=(
                Mistake("outputs cancel", _CANCEL, lambda slopes: (slopes.sum(dim=1) != 0).any(dim=2)),
                Mistake("slopes cancel", _CANCEL, lambda slopes: (slopes.sum(dim=3) != 0).any(dim=1)),
                Mistake("outputs and slopes cancel", _CANCEL, lambda slopes: slopes.sum(dim=(1, 3)) != 0),
                Mistake(
                    "first output channel only",
                    "An output has several channels, and one that you left out sees the token.",
                    lambda slopes: (slopes[:, 0] != 0).any(dim=2),
                ),
                Mistake(
                    "first token channel only",
                    "A token has several channels, and the output sees one that you left out.",
                    lambda slopes: (slopes[..., 0] != 0).any(dim=1),
                ),
                Mistake(
                    "last output channel left out",
                    "An output has several channels, and the last one sees the token.",
                    lambda slopes: (slopes[:, :-1] != 0).any(dim=3).any(dim=1),
                ),
                Mistake(
                    "positive slopes only",
                    "A slope below zero is a leak, too.",
                    lambda slopes: (slopes > 0).any(dim=3).any(dim=1),
                ),
            ),
            floor=tuple(
                Mistake(
                    "tiny leak missed",
                    "A slope of 1e-12 is a leak, too: training can make it large. Compare the gradient with exactly 0.",
                    floor,
                )
                for floor in (1e-9, 1e-15)
            ),
            where=(
                Mistake(
                    "own token counted", "An output may see its own token: token t for output t.", lambda t, u: u >= t
                ),
                Mistake(
                    "past counted", "Those are all tokens that an output sees; keep the later ones.", lambda t, u: True
                ),
                Mistake(
                    "next token only",
                    "A leak may reach further than one token ahead.",
                    lambda t, u: u == t + 1,
                ),
            ),
        ),
        Mistake(
            "pairs turned round",
            "The output comes first in each pair, then the token.",
            lambda *case: [(u, t) for t, u in _leaks(*case)],
        ),
        Mistake(
            "absolute outputs cancel",
            "Where one output rises as fast as another falls, |a| + |b| stands still. Take each channel by itself.",
            _by_absolute_outputs,
        ),
        Mistake(
            "gradients added up",
            "x.grad still holds the gradients of earlier outputs: backward adds to it. torch.autograd.grad does not.",
            _accumulated,
        ),
        Mistake("counted from 1", _PLACE, lambda *case: [(t + 1, u + 1) for t, u in _leaks(*case)]),
        Mistake("distance instead of token", _PLACE, lambda *case: [(t, u - t) for t, u in _leaks(*case)]),
        Mistake(
            "every later token",
            "Those are all later tokens, in every net. Which of them does the output depend on?",
            lambda slopes, x: [(t, u) for t in range(x.shape[1]) for u in range(t + 1, x.shape[1])],
        ),
        Mistake("first leak only", "There are more leaks behind the first.", lambda *case: _leaks(*case)[:1]),
        Mistake("no leaks", "This net has a leak, and your list is empty.", lambda *case: []),
    ),
    errors={
        "does not require grad": (
            "no gradient asked for",
            "Torch keeps gradients only for what asks for them: x = x.clone().requires_grad_().",
        ),
        "second time": (
            "graph used up",
            "The first backward pass frees the graph; pass retain_graph=True, or run the net anew for each output.",
        ),
    },
    probe=_with_net,
    told=lambda case: f"a net and x of shape {tuple(case[1].shape)}",
    hint="Print the gradient of one output with respect to x, token by token.",
)


def _so_far(x: Tensor) -> Tensor:
    """The largest absolute value of each sequence up to each time step, over all channels: (B, T, 1)."""
    return x.abs().amax(dim=2, keepdim=True).cummax(dim=1).values


def _net(
    x: Tensor,
    weights: Sequence[Tensor],
    scale: Callable = _so_far,
    cut: Callable = lambda out, d: out[:, :-d],
    join: Callable = lambda early, late: torch.cat([early, late], dim=2),
    add: Callable = lambda x, z: x + z,
) -> Tensor:
    """Causal layers with two taps and a residual path, after scaling; the options are ways to go wrong."""
    x = x / scale(x)
    for layer, weight in enumerate(weights):
        d = 2**layer
        padded = F.pad(x, (0, 0, d, d))
        x = add(x, cut(torch.tanh(join(padded[:, :-d], padded[:, d:]) @ weight), d))
    return x


_SIGN = "Scaling: the largest absolute value is expected, and yours may be negative or too small."
_TIME = "Scaling: which dimension is time? x is (B, T, C), so it is dim 1."


def _net_case(
    seed: int, shape: tuple[int, int, int], layers: int, first: float = 0.5, last: float = 2
) -> tuple[Tensor, list[Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    weights = [torch.randn(2 * shape[2], shape[2], generator=generator) for _ in range(layers)]
    loudness = torch.linspace(first, last, shape[1])[:, None]  # the loudest value comes late, if not told otherwise
    return loudness * torch.randn(shape, generator=generator), weights


# Exercise 2, code to mend: x (B, T, C) and up to three weights (2C, C), to (B, T, C).
mend_leaks = Implement(
    "my_net",
    [
        *(_net_case(1, (2, 11, 4), 3), _net_case(2, (1, 6, 3), 1), _net_case(3, (3, 9, 2), 2)),
        *(_net_case(4, (2, 1, 3), 3), _net_case(5, (2, 13, 3), 2, 0.02, 0.001)),
    ],
    solution=_net,
    praise="Both leaks are closed, in nets of one to three layers, and each output still sees its own token.",
    mistakes=composed(
        _net,
        scale=(
            Mistake(
                "scaled by the future",
                "Scaling: the loudest value may come late, and all outputs before it are divided by it. "
                "Which is the loudest so far?",
                lambda x: x.abs().amax(dim=(1, 2), keepdim=True),
            ),
            Mistake(
                "scaled by the batch",
                "Scaling: one number for the whole batch comes from other sequences, too, and from the future.",
                lambda x: x.abs().amax(),
            ),
            Mistake(
                "not scaled",
                "Scaling: nothing leaks, but the scale is gone. Divide by the loudest value so far.",
                lambda x: 1.0,
            ),
            Mistake(
                "scaled by its own token",
                "Scaling: each token is divided by its own loudest value. Expected the loudest so far.",
                lambda x: x.abs().amax(dim=2, keepdim=True),
            ),
            Mistake(
                "scaled by channel",
                "Scaling: each channel has a scale of its own. Expected one for all channels.",
                lambda x: x.abs().cummax(dim=1).values,
            ),
            Mistake(
                "sign lost",
                _SIGN,
                lambda x: x.amax(dim=2, keepdim=True).cummax(dim=1).values,
            ),
            Mistake(
                "sign lost",
                _SIGN,
                lambda x: x.amax(dim=2, keepdim=True).cummax(dim=1).values.abs(),
            ),
            Mistake("so far in another dimension", _TIME, lambda x: x.abs().cummax(dim=2).values),
            Mistake(
                "so far in another dimension",
                _TIME,
                lambda x: x.abs().amax(dim=2, keepdim=True).cummax(dim=0).values,
            ),
            Mistake(
                "scaled by the first token",
                "Scaling: nothing leaks, but all are divided by the loudest value of the first token.",
                lambda x: x[:, :1].abs().amax(dim=2, keepdim=True),
            ),
            Mistake(
                "added up",
                "Scaling: the loudest values so far are added up. Expected the largest of them.",
                lambda x: x.abs().amax(dim=2, keepdim=True).cumsum(dim=1),
            ),
        ),
        cut=(
            Mistake(
                "cut at the wrong end",
                "Cutting: each layer has T + d outputs. Print which tokens the first of them sees; which d have to go?",
                lambda out, d: out[:, d:],
            ),
            Mistake(
                "cut at both ends",
                "Cutting: half of the d outputs are cut in front, and those were right.",
                lambda out, d: out[:, d // 2 : out.shape[1] - d + d // 2],
            ),
        ),
        join=(
            Mistake(
                "taps turned round",
                "The weight's first half belongs to the earlier tap; that was right.",
                lambda early, late: torch.cat([late, early], dim=2),
            ),
        ),
        add=(Mistake("residual lost", "Each layer adds its input: that was right.", lambda x, z: z),),
    ),
    errors={
        "at non-singleton dimension 1": (
            "lengths differ",
            "What is added to x has to be as long as x. How many outputs has the layer, and how many have to go?",
        ),
        "at non-singleton dimension 2": ("a dimension lost", "Keep the channels' dimension: keepdim=True."),
        "return_types": ("values and places", "cummax and max return the values and their places; take .values."),
    },
    told=lambda case: f"x of shape {tuple(case[0].shape)} and {len(case[1])} weights {tuple(case[1][0].shape)}",
    hint="Set the last token of x to 99. If no earlier output changes, nothing leaks, but something else is different.",
)
