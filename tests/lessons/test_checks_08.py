"""The checks of lesson 08: every wrong answer is told its mistake, every right one is accepted."""

from collections import deque

import torch
import torch.nn.functional as F
from torch import nn

from lib import checks
from lib.wavenet import GatedLayer, sequence_loss
from tests.lessons.check_laws import accepts, names_the_mistake


def parts(x, weight, d):
    filter, gate = (torch.cat([x[:, :-d], x[:, d:]], dim=2) @ weight.T).chunk(2, dim=2)
    return torch.tanh(filter), torch.sigmoid(gate), x[:, d:]


def layer(x, weight, mix, d):
    filter, gate, now = parts(x, weight, d)
    return now + (filter * gate) @ mix.T, filter * gate


def by_lib(x, weight, mix, d):
    own = GatedLayer(x.shape[2], kernel_size=2, dilation=d)
    own.conv.weight, own.residual.weight = nn.Parameter(weight), nn.Parameter(mix)
    nn.init.zeros_(own.conv.bias), nn.init.zeros_(own.residual.bias)
    return own(x)


def by_torch(x, weight, mix, d):
    kernel = weight.view(len(weight), 2, -1).transpose(1, 2)
    both = F.conv1d(x.transpose(1, 2), kernel, dilation=d).transpose(1, 2)
    filter, gate = both[..., : x.shape[2]], both[..., x.shape[2] :]
    z = filter.tanh() * gate.sigmoid()
    return [x[:, d:] + F.linear(z, mix), z]


def other_unit(unit):
    def answer(x, weight, mix, d):
        filter, gate = (torch.cat([x[:, :-d], x[:, d:]], dim=2) @ weight.T).chunk(2, dim=2)
        z = unit(filter, gate)
        return x[:, d:] + z @ mix.T, z

    return answer


def in_place(x, weight, mix, d):
    x += 1
    return layer(x, weight, mix, d)


LAYER = {
    "not done": [lambda x, w, m, d: ...],
    "error": [lambda x, w, m, d: layer(x, w.T[:1], m, d)],
    "changed its input": [in_place],
    "not two tensors": [lambda x, w, m, d: layer(x, w, m, d)[0], lambda x, w, m, d: (1.0, 2.0)],
    "wrong order": [lambda x, w, m, d: layer(x, w, m, d)[::-1]],
    "filter and gate swapped": [other_unit(lambda f, g: torch.tanh(g) * torch.sigmoid(f))],
    "no gate": [other_unit(lambda f, g: torch.tanh(f))],
    "gate without sigmoid": [other_unit(lambda f, g: torch.tanh(f) * g)],
    "filter without tanh": [other_unit(lambda f, g: f * torch.sigmoid(g))],
    "two tanh": [other_unit(lambda f, g: torch.tanh(f) * torch.tanh(g))],
    "added": [other_unit(lambda f, g: torch.tanh(f) + torch.sigmoid(g))],
    "no residual path": [lambda x, w, m, d: (layer(x, w, m, d)[1] @ m.T, layer(x, w, m, d)[1])],
    "residual from the past": [
        lambda x, w, m, d: (x[:, :-d] + layer(x, w, m, d)[1] @ m.T, layer(x, w, m, d)[1]),
    ],
    "1×1 convolution left out": [lambda x, w, m, d: (x[:, d:] + layer(x, w, m, d)[1], layer(x, w, m, d)[1])],
    "z after the 1×1 convolution": [lambda x, w, m, d: (layer(x, w, m, d)[0], layer(x, w, m, d)[1] @ m.T)],
    "mix not transposed": [lambda x, w, m, d: (x[:, d:] + layer(x, w, m, d)[1] @ m, layer(x, w, m, d)[1])],
    "x added before the 1×1 convolution": [
        lambda x, w, m, d: ((x[:, d:] + layer(x, w, m, d)[1]) @ m.T, layer(x, w, m, d)[1])
    ],
    "taps turned round": [lambda x, w, m, d: layer(x, w.roll(x.shape[2], dims=1), m, d)],
    "dilation ignored": [lambda x, w, m, d: layer(x, w, m, 1)],
    "wrong shape": [lambda x, w, m, d: tuple(part[:, :-1] for part in layer(x, w, m, d))],
    "other values": [lambda x, w, m, d: tuple(torch.zeros_like(part) for part in layer(x, w, m, d))],
}
LAYER_RIGHT = [layer, by_lib, by_torch]


def surprise(logits, targets):
    return -F.log_softmax(logits, dim=2).gather(2, targets.clamp(min=0).unsqueeze(2)).squeeze(2)


def loss(logits, targets):
    return surprise(logits, targets)[targets != -100].mean()


def by_loop(logits, targets):
    each = [F.cross_entropy(row[t >= 0], t[t >= 0], reduction="sum") for row, t in zip(logits, targets, strict=True)]
    return sum(each).item() / (targets >= 0).sum().item()


LOSS = {
    "not done": [lambda logits, targets: None],
    "error": [lambda logits, targets: -F.log_softmax(logits, dim=2).gather(2, targets[..., None]).mean()],
    "not a number": [lambda logits, targets: surprise(logits, targets), lambda logits, targets: "low"],
    "padding counted": [
        lambda logits, targets: surprise(logits, targets).mean(),
        lambda logits, targets: F.cross_entropy(logits.flatten(0, 1), targets.clamp(min=0).flatten()),
    ],
    "divided by all positions": [lambda logits, targets: (surprise(logits, targets) * (targets >= 0)).mean()],
    "mean of means": [
        lambda logits, targets: torch.stack(
            [F.cross_entropy(row, t) for row, t in zip(logits, targets, strict=True)]
        ).mean()
    ],
    "sum": [lambda logits, targets: surprise(logits, targets)[targets >= 0].sum()],
    "divided by names": [lambda logits, targets: surprise(logits, targets)[targets >= 0].sum() / len(targets)],
    "sign": [lambda logits, targets: -loss(logits, targets)],
    "stop marks left out": [lambda logits, targets: surprise(logits, targets)[targets > 0].mean()],
    "probabilities averaged": [
        lambda logits, targets: -(-surprise(logits, targets)[targets >= 0]).exp().mean().log(),
    ],
    "logits not normalised": [
        lambda logits, targets: -logits.gather(2, targets.clamp(min=0)[..., None])[..., 0][targets >= 0].mean(),
    ],
    "softmax over the positions": [
        lambda logits, targets: (
            -F.log_softmax(logits, dim=1).gather(2, targets.clamp(min=0)[..., None])[..., 0][targets >= 0].mean()
        ),
    ],
    "other values": [lambda logits, targets: 0.0, lambda logits, targets: loss(logits, targets) / 0.6931],
}
LOSS_RIGHT = [
    loss,
    by_loop,
    sequence_loss,
    lambda logits, targets: F.cross_entropy(logits.transpose(1, 2), targets),
    lambda logits, targets: loss(logits, targets).item(),
]


def step(queue, now):
    return queue[0], [*queue[1:], now]


def with_deque(queue, now):
    queue = deque(queue)
    oldest = queue.popleft()
    queue.append(now)
    return oldest, list(queue)


def pop_in_place(queue, now):
    oldest = queue.pop(0)
    queue.append(now)
    return oldest, queue


QUEUE = {
    "not done": [lambda queue, now: ...],
    "changed its input": [pop_in_place],
    "not two": [lambda queue, now: queue[0]],
    "newest instead of oldest": [lambda queue, now: (queue[-1], [*queue[1:], now])],
    "written before it is read": [lambda queue, now: ([*queue, now][1], [*queue[1:], now])],
    "not moved": [lambda queue, now: (queue[0], queue)],
    "oldest kept": [lambda queue, now: (queue[0], [*queue, now])],
    "new one not put in": [lambda queue, now: (queue[0], queue[1:])],
    "put in at the front": [lambda queue, now: (queue[0], [now, *queue[1:]])],
    "newest overwritten": [lambda queue, now: (queue[0], [*queue[:-1], now])],
    "turned round": [lambda queue, now: (queue[0], [*queue[1:], now][::-1])],
    "wrong order": [lambda queue, now: step(queue, now)[::-1]],
    "new input read": [lambda queue, now: (now, [*queue[1:], now])],
    "other values": [lambda queue, now: (0, [0])],
}
QUEUE_RIGHT = [step, with_deque, lambda queue, now: [queue[0], (*queue[1:], now)]]


test_gated_layer_names_the_mistake = names_the_mistake(checks.gated_layer, LAYER)
test_gated_layer_accepts_right_answers = accepts(checks.gated_layer, LAYER_RIGHT)


def test_gated_layer_says_whether_z_or_the_output_is_wrong():
    assert "z is right" in checks.gated_layer(lambda *given: (-layer(*given)[0], layer(*given)[1])).message
    assert "Look at z first" in checks.gated_layer(lambda *given: (layer(*given)[0], -layer(*given)[1])).message


test_masked_loss_names_the_mistake = names_the_mistake(checks.masked_loss, LOSS)
test_masked_loss_accepts_right_answers = accepts(checks.masked_loss, LOSS_RIGHT)
test_queue_step_names_the_mistake = names_the_mistake(checks.queue_step, QUEUE)
test_queue_step_accepts_right_answers = accepts(checks.queue_step, QUEUE_RIGHT)
