"""Answers to assignment 02."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.classroom.catalogue.catalogue import Catalogue

ANSWERS = Catalogue("a02")
right, wrong = ANSWERS.right, ANSWERS.wrong


# predictions


@right("predictions")
def predicted(mine):
    B, T, C, n1, t, c = (mine[key] for key in ("B", "T", "C", "n1", "t", "c"))
    return {
        "first": (B, T // n1, n1 * C),
        "both": (B, T * C),
        "single": (1, T * C),
        "place": t // n1,
        "column": t * C + c,
    }


@right("predictions")
def predicted_by_running(mine):
    B, T, C, n1, t, c = (mine[key] for key in ("B", "T", "C", "n1", "t", "c"))
    x = torch.arange(B * T * C).view(B, T, C)
    first, both = x.view(B, T // n1, n1 * C), x.view(B, T * C)
    return {
        "first": first.shape,
        "both": both.shape,
        "single": both[:1].shape,
        "place": (first[0] == x[0, t, c]).any(1).nonzero(),
        "column": (both[0] == x[0, t, c]).nonzero(),
    }


@right("predictions")
def predicted_as_lists(mine):
    B, T, C, n1, n2 = (mine[key] for key in ("B", "T", "C", "n1", "n2"))
    place, _ = divmod(mine["t"], n1)
    return {
        "first": [B, n2, n1 * C],
        "both": [B, n1 * n2 * C],
        "single": [1, n1 * n2 * C],
        "place": float(place),
        "column": mine["c"] + C * mine["t"],
    }


@wrong("predictions", "n groups instead of groups of n")
def predicts_n_groups(mine):
    B, T, C, n1, t, c = (mine[key] for key in ("B", "T", "C", "n1", "t", "c"))
    return {
        "first": (B, n1, T // n1 * C),
        "both": (B, T * C),
        "single": (1, T * C),
        "place": t // n1,
        "column": t * C + c,
    }


@wrong("predictions", "another value for first")
def predicts_what_a_friend_predicted(mine):
    return {"first": (32, 4, 20), "both": (32, 80), "single": (1, 80), "place": 1, "column": 25}


# flatten: a class


@right("flatten")
class FlattenByReshape:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        if T % self.n != 0:
            raise ValueError(f"{self.n} does not divide T={T}")
        x = x.reshape(B, T // self.n, C * self.n)
        if x.shape[1] == 1:
            x = x.squeeze(1)
        return x


@right("flatten")
class FlattenBySlices(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.n = n

    def forward(self, x):
        if x.size(1) % self.n:
            raise ValueError("n=%d and T=%d do not fit" % (self.n, x.size(1)))  # noqa: UP031
        self.out = torch.cat([x[:, i :: self.n] for i in range(self.n)], dim=-1)
        return self.out[:, 0] if self.out.size(1) == 1 else self.out


@right("flatten")
class FlattenByUnflatten:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        groups, rest = divmod(x.shape[1], self.n)
        if rest:
            raise ValueError(f"wanted groups of {self.n}, got {x.shape[1]} time steps")
        return x.contiguous().view(len(x), *([groups] if groups > 1 else []), -1)


@wrong("flatten", "batch squeezed away")
class FlattenAndSqueezeTheFirst:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        if T % self.n:
            raise ValueError(f"{T} time steps cannot be grouped by {self.n}")
        return x.reshape(B, T // self.n, -1).squeeze(0)


@wrong("flatten", "padded without a word")
class FlattenWithPadding:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        missing = -x.shape[1] % self.n
        x = torch.cat([x, torch.zeros(len(x), missing, x.shape[2])], dim=1)
        out = torch.cat([x[:, i :: self.n] for i in range(self.n)], dim=2)
        return out[:, 0] if out.shape[1] == 1 else out


@wrong("flatten", "strided pairs")
class FlattenStrided:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        if T % self.n != 0:
            raise ValueError(f"{self.n} does not divide T={T}")
        step = T // self.n
        out = torch.cat([x[:, i * step : (i + 1) * step] for i in range(self.n)], dim=2)
        return out.squeeze(1)


@wrong("flatten", "channels interleaved")
class FlattenInterleaved:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        if T % self.n != 0:
            raise ValueError(f"{self.n} does not divide T={T}")
        return torch.stack([x[:, i :: self.n] for i in range(self.n)], dim=3).flatten(2).squeeze(1)


@wrong("flatten", "time and channels swapped")
class FlattenTransposed:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        if T % self.n != 0:
            raise ValueError(f"{self.n} does not divide T={T}")
        return x.transpose(1, 2).reshape(B, T // self.n, C * self.n).squeeze(1)


@wrong("flatten", "right-hand neighbour first")
class FlattenReversed:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        if T % self.n != 0:
            raise ValueError(f"{self.n} does not divide T={T}")
        return torch.cat([x[:, i :: self.n] for i in range(self.n - 1, -1, -1)], dim=2).squeeze(1)


@wrong("flatten", "n groups instead of groups of n")
class FlattenIntoNGroups:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        if T % self.n != 0:
            raise ValueError(f"{self.n} does not divide T={T}")
        return x.reshape(B, self.n, -1)


@wrong("flatten", "flattened at once")
class FlattenAtOnce:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        if T % self.n != 0:
            raise ValueError(f"{self.n} does not divide T={T}")
        return x.reshape(B, T * C)


@wrong("flatten", "error")
class FlattenBatchesOf32:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        if T % self.n != 0:
            raise ValueError(f"{self.n} does not divide T={T}")
        return x.reshape(32, T // self.n, -1).squeeze(1)


@wrong("flatten", "error")
class FlattenTenChannels:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        if T % self.n != 0:
            raise ValueError(f"{self.n} does not divide T={T}")
        return x.reshape(B, T // self.n, 10 * self.n).squeeze(1)


@wrong("flatten", "not a tensor")
class FlattenToLists:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        if T % self.n != 0:
            raise ValueError(f"{self.n} does not divide T={T}")
        return x.reshape(B, T // self.n, C * self.n).tolist()


@wrong("flatten", "returned its input")
class FlattenNothing:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        return x


@wrong("flatten", "all zeros")
class FlattenToZeros:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        if T % self.n != 0:
            raise ValueError(f"{self.n} does not divide T={T}")
        return torch.zeros(B, T // self.n, C * self.n).squeeze(1)


@wrong("flatten", "changed its input")
class FlattenInPlace:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        if T % self.n != 0:
            raise ValueError(f"{self.n} does not divide T={T}")
        out = x.reshape(B, T // self.n, C * self.n).clone()
        x.zero_()
        return out.squeeze(1)


@wrong("flatten", "time step of 1 kept")
class FlattenNeverSqueezed:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        if T % self.n != 0:
            raise ValueError(f"{self.n} does not divide T={T}")
        return x.reshape(B, T // self.n, C * self.n)


@wrong("flatten", "squeeze() without a dimension")
class FlattenSqueezed:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        if T % self.n != 0:
            raise ValueError(f"{self.n} does not divide T={T}")
        return x.reshape(B, T // self.n, C * self.n).squeeze()


@wrong("flatten", "needs contiguous input")
class FlattenByView:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        if T % self.n != 0:
            raise ValueError(f"{self.n} does not divide T={T}")
        return x.view(B, T // self.n, C * self.n).squeeze(1)


@wrong("flatten", "refused without the sizes")
class FlattenWithoutSizes:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        if T % self.n != 0:
            raise ValueError("n does not divide T")
        return x.reshape(B, T // self.n, C * self.n).squeeze(1)


@wrong("flatten", "rest cut off")
class FlattenThatCuts:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        groups = T // self.n
        return x[:, : groups * self.n].reshape(B, groups, C * self.n).squeeze(1)


# seen


@right("seen")
def seen_by_autograd(net, T, C):
    x = torch.randn(1, T, C, requires_grad=True)
    out = net(x)
    out = out if out.ndim == 3 else out.unsqueeze(1)
    rows = []
    for place in range(out.shape[1]):
        (gradient,) = torch.autograd.grad(out[:, place].sum(), x, retain_graph=True)
        rows.append(gradient[0].abs().sum(1) > 0)
    return torch.stack(rows)


@right("seen")
def seen_by_backward(net, T, C):
    places = net(torch.zeros(1, T, C)).shape[1] if net(torch.zeros(1, T, C)).ndim == 3 else 1
    seen = torch.zeros(places, T, dtype=torch.bool)
    for place in range(places):
        x = torch.rand(2, T, C, requires_grad=True)
        out = net(x)
        (out[:, place] if out.ndim == 3 else out).sum().backward()
        seen[place] = (x.grad != 0).any(2).any(0)
    return seen


@right("seen")
def seen_by_jacobian(net, T, C):
    jacobian = torch.autograd.functional.jacobian(lambda x: net(x).reshape(-1, 5), torch.ones(1, T, C))
    return (jacobian != 0).any(1).any(1).any(-1)


@right("seen")
def seen_by_trying(net, T, C):
    x = torch.randn(1, T, C)
    before, columns = net(x).reshape(-1, net(x).shape[-1]), []
    for t in range(T):
        changed = x.clone()
        changed[:, t] += 1
        columns.append((net(changed).reshape_as(before) != before).any(1))
    return torch.stack(columns, dim=1)


@wrong("seen", "gradient not reset")
def seen_by_gradients_that_add_up(net, T, C):
    x = torch.randn(1, T, C, requires_grad=True)
    out = net(x)
    out = out if out.ndim == 3 else out.unsqueeze(1)
    rows = []
    for place in range(out.shape[1]):
        out[:, place].sum().backward(retain_graph=True)
        rows.append(x.grad[0].abs().sum(1) > 0)
    return torch.stack(rows)


@wrong("seen", "input without requires_grad")
def seen_without_asking(net, T, C):
    x = torch.randn(1, T, C)
    out = net(x)
    out = out if out.ndim == 3 else out.unsqueeze(1)
    rows = [torch.autograd.grad(out[:, p].sum(), x, retain_graph=True)[0][0] for p in range(out.shape[1])]
    return (torch.stack(rows) != 0).any(2)


@wrong("seen", "graph used twice")
def seen_without_retaining(net, T, C):
    x = torch.randn(1, T, C, requires_grad=True)
    out = net(x)
    out = out if out.ndim == 3 else out.unsqueeze(1)
    rows = [torch.autograd.grad(out[:, p].sum(), x)[0][0] for p in range(out.shape[1])]
    return (torch.stack(rows) != 0).any(2)


@wrong("seen", "wrong dtype")
def seen_as_numbers(net, T, C):
    x = torch.randn(1, T, C, requires_grad=True)
    out = net(x)
    out = out if out.ndim == 3 else out.unsqueeze(1)
    rows = [torch.autograd.grad(out[:, p].sum(), x, retain_graph=True)[0][0] for p in range(out.shape[1])]
    return torch.stack(rows).abs().sum(2)


@wrong("seen", "all zeros")
def seen_nothing(net, T, C):
    out = net(torch.zeros(1, T, C))
    return torch.zeros(out.shape[1] if out.ndim == 3 else 1, T, dtype=torch.bool)


@wrong("seen", "error")
def seen_in_a_tree_of_eight(net, T, C):
    x = torch.randn(1, 8, 10, requires_grad=True)
    out = net(x)
    rows = [torch.autograd.grad(out[:, p].sum(), x, retain_graph=True)[0][0] for p in range(out.shape[1])]
    return (torch.stack(rows) != 0).any(2)


@wrong("seen", "pairs assumed")
def seen_by_formula(net, T, C):
    out = net(torch.zeros(1, T, C))
    if out.ndim == 2:
        return torch.ones(1, T, dtype=torch.bool)
    return torch.arange(T)[None] // 2 == torch.arange(T // 2)[:, None]


@wrong("seen", "gradient at zero")
def seen_from_zero(net, T, C):
    x = torch.zeros(1, T, C, requires_grad=True)
    out = net(x)
    out = out if out.ndim == 3 else out.unsqueeze(1)
    rows = [torch.autograd.grad(out[:, p].sum(), x, retain_graph=True)[0][0] for p in range(out.shape[1])]
    return (torch.stack(rows) != 0).any(2)


@wrong("seen", "slopes below zero forgotten")
def seen_above_zero(net, T, C):
    x = torch.ones(1, T, C, requires_grad=True)
    out = net(x).reshape(-1, 5)
    rows = [torch.autograd.grad(place.sum(), x, retain_graph=True)[0][0] for place in out]
    return (torch.stack(rows) > 0).any(2)


@wrong("seen", "channels overlooked")
def seen_by_the_first_channel(net, T, C):
    x = torch.randn(1, T, C, requires_grad=True)
    out = net(x).reshape(-1, 5)
    rows = [torch.autograd.grad(place.sum(), x, retain_graph=True)[0][0, :, 0] for place in out]
    return torch.stack(rows) != 0


@wrong("seen", "channels overlooked")
def seen_by_sums(net, T, C):
    x = torch.randn(1, T, C, requires_grad=True)
    out = net(x).reshape(-1, 5)
    rows = [torch.autograd.grad(place.sum(), x, retain_graph=True)[0][0].sum(1) for place in out]
    return torch.stack(rows) != 0


@wrong("seen", "small slopes forgotten")
def seen_above_a_threshold(net, T, C):
    x = torch.ones(1, T, C, requires_grad=True)
    out = net(x).reshape(-1, 5)
    rows = [torch.autograd.grad(place.sum(), x, retain_graph=True)[0][0].abs().sum(1) for place in out]
    return torch.stack(rows) > 1e-3


@wrong("seen", "effect that stays")
def seen_with_gradients_switched_off(net, T, C):
    x = torch.randn(1, T, C)
    before, columns = net(x).reshape(-1, 5), []
    torch.set_grad_enabled(False)
    for t in range(T):
        changed = x.clone()
        changed[:, t] += 1
        columns.append((net(changed).reshape(-1, 5) != before).any(1))
    return torch.stack(columns, dim=1)


# mended: a tree of three stages


@right("mended")
def tree_by_view(x, w1, w2, w3):
    B = len(x)
    x = torch.tanh(x.reshape(B, 4, -1) @ w1)
    x = torch.tanh(x.view(B, 2, -1) @ w2)
    return torch.tanh(x.view(B, -1) @ w3)


@right("mended")
def tree_by_slices(x, w1, w2, w3):
    x = torch.tanh(torch.cat([x[:, 0::2], x[:, 1::2]], dim=2) @ w1)
    x = torch.tanh(torch.cat([x[:, 0::2], x[:, 1::2]], dim=2) @ w2)
    return torch.tanh(torch.cat([x[:, 0], x[:, 1]], dim=1) @ w3)


@right("mended")
def tree_by_convolution(x, w1, w2, w3):
    x = x.transpose(1, 2)
    for w in (w1, w2, w3):
        kernel = w.T.reshape(w.shape[1], 2, -1).transpose(1, 2)
        x = F.conv1d(x, kernel, stride=2).tanh()
    return x.squeeze(2)


@wrong("mended", "error")
def tree_for_32(x, w1, w2, w3):
    x = torch.tanh(x.view(32, 4, -1) @ w1)
    x = torch.tanh(x.view(32, 2, -1) @ w2)
    return torch.tanh(x.view(32, -1) @ w3)


@wrong("mended", "changed its input")
def tree_that_writes_into_its_input(x, w1, w2, w3):
    x -= x.mean()
    x = torch.tanh(x.view(len(x), 4, -1) @ w1)
    x = torch.tanh(x.view(len(x), 2, -1) @ w2)
    return torch.tanh(x.flatten(1) @ w3)


@wrong("mended", "returned its input")
def tree_of_nothing(x, w1, w2, w3):
    return x


@wrong("mended", "not done")
def tree_as_given(x, w1, w2, w3):
    B, T, C = x.shape
    x = torch.tanh(x.view(B, T // 2, 2 * C) @ w1)
    left, right = x.chunk(2, dim=1)
    x = torch.tanh(torch.cat([left, right], dim=2) @ w2)
    return torch.tanh(x.flatten(1) @ w3)


# matrix


@right("matrix")
def matrix_by_identity(w1, w2):
    size = 4 * w1.shape[1]
    x = torch.eye(size).view(size, 4, -1) @ w1.T
    return (x.reshape(size, 2, -1) @ w2.T).flatten(1)


@right("matrix")
def matrix_by_blocks(w1, w2):
    return torch.block_diag(*[w1.T] * 4) @ torch.block_diag(*[w2.T] * 2)


@right("matrix")
def matrix_by_layers(w1, w2):
    first, second = (nn.Linear(w.shape[1], w.shape[0], bias=False) for w in (w1, w2))
    with torch.no_grad():
        first.weight.copy_(w1)
        second.weight.copy_(w2)
    rows = []
    for row in torch.eye(4 * w1.shape[1]):
        y = first(row.view(1, 4, -1))
        rows.append(second(y.view(1, 2, -1)).flatten())
    return torch.stack(rows)


@right("matrix")
def matrix_half_by_half(w1, w2):
    pair = torch.kron(torch.eye(2), w1.T.contiguous())
    four = pair @ w2.T
    return torch.cat([torch.cat([four, 0 * four], 1), torch.cat([0 * four, four], 1)])


@wrong("matrix", "transposed")
def matrix_turned(w1, w2):
    return torch.block_diag(w2, w2) @ torch.block_diag(w1, w1, w1, w1)


@wrong("matrix", "weights not transposed")
def matrix_of_weights_as_they_are(w1, w2):
    return torch.block_diag(w1, w1, w1, w1) @ torch.block_diag(w2, w2)


@wrong("matrix", "wrong order")
def matrix_in_the_wrong_order(w1, w2):
    return torch.block_diag(*[w2.T] * 2) @ torch.block_diag(*[w1.T] * 4)


@wrong("matrix", "error")
def matrix_of_eighty(w1, w2):
    x = torch.eye(80).view(80, 4, 20) @ w1.T
    return (x.reshape(80, 2, 40) @ w2.T).flatten(1)


@wrong("matrix", "all zeros")
def matrix_of_zeros(w1, w2):
    return torch.zeros(4 * w1.shape[1], 2 * w2.shape[0])


@wrong("matrix", "returned its input")
def matrix_is_a_weight(w1, w2):
    return w1


@wrong("matrix", "changed its input")
def matrix_that_turns_its_input(w1, w2):
    M = torch.block_diag(*[w1.T] * 4) @ torch.block_diag(*[w2.T] * 2)
    w1.mul_(2)
    return M


@wrong("matrix", "elementwise product")
def matrix_by_star(w1, w2):
    first, second = torch.block_diag(*[w1.T] * 4), torch.block_diag(*[w2.T] * 2)
    return first * second


@wrong("matrix", "blocks interleaved")
def matrix_with_kron_the_wrong_way_round(w1, w2):
    return torch.kron(w1.T.contiguous(), torch.eye(4)) @ torch.kron(w2.T.contiguous(), torch.eye(2))
