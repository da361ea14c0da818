"""Answers to assignment 08."""

import math
from collections import deque

import torch
import torch.nn.functional as F
from torch import nn

from tests.classroom.catalogue.catalogue import Catalogue

ANSWERS = Catalogue("a08")
right, wrong = ANSWERS.right, ANSWERS.wrong


# predictions


@right("predictions")
def predicted(mine):
    C, S, dilations, names = mine["C"], mine["S"], mine["dilations"], mine["names"]
    targets = [len(name) + 1 for name in names]
    field, columns, count = 1 + sum(dilations), 1 + sum(dilations), 0
    for dilation in dilations:
        columns -= dilation
        count += columns
    return {
        "layer": 2 * C * 2 * C + 2 * C + C * C + C + S * C + S,
        "queued": mine["B"] * C * (field - 1),
        "naive": count,
        "future": sum(dilations),
        "gifts": len(names) * max(targets) - sum(targets),
        "diluted": mine["loss"] * sum(targets) / (len(names) * max(targets)),
    }


@right("predictions")
def predicted_by_torch(mine):
    C, S, d = mine["C"], mine["S"], mine["dilations"]
    parts = nn.Conv1d(C, 2 * C, 2), nn.Conv1d(C, C, 1), nn.Linear(C, S)
    x, columns = torch.zeros(1, 1, 1 + sum(d)), 0
    for dilation in d:
        x = F.conv1d(x, torch.zeros(1, 1, 2), dilation=dilation)
        columns += x.shape[2]
    rows = nn.utils.rnn.pad_sequence([torch.zeros(len(n) + 1) for n in mine["names"]], padding_value=-100)
    is_real = rows != -100
    return {
        "layer": sum(p.numel() for part in parts for p in part.parameters()),
        "queued": sum(torch.zeros(mine["B"], n, C).numel() for n in d),
        "naive": columns,
        "future": sum(d),
        "gifts": int((~is_real).sum()),
        "diluted": mine["loss"] * is_real.float().mean(),
    }


@right("predictions")
def predicted_to_two_decimals(mine):
    C, S, total = mine["C"], mine["S"], sum(mine["dilations"])
    letters = [len(name) for name in mine["names"]]
    longest = max(letters) + 1
    missing = sum(longest - 1 - n for n in letters)
    left, columns = total + 1, []
    for dilation in mine["dilations"]:
        left -= dilation
        columns.append(left)
    return {
        "layer": 2 * C * (2 * C + 1) + (C + S) * (C + 1),
        "queued": total * C * mine["B"],
        "naive": sum(columns),
        "future": total,
        "gifts": missing,
        "diluted": round(mine["loss"] * (1 - missing / (longest * len(letters))), 2),
    }


@wrong("predictions", "gate forgotten")
def predicts_layers_without_gate(mine):
    C, S, d = mine["C"], mine["S"], mine["dilations"]
    targets = [len(name) + 1 for name in mine["names"]]
    longest = max(targets)
    columns = [1 + sum(d) - sum(d[: i + 1]) for i in range(len(d))]
    return {
        "layer": C * (2 * C + 1) + C * (C + 1) + S * (C + 1),
        "queued": mine["B"] * C * sum(d),
        "naive": sum(columns),
        "future": sum(d),
        "gifts": 3 * longest - sum(targets),
        "diluted": mine["loss"] * sum(targets) / (3 * longest),
    }


@wrong("predictions", "another value for gifts")
def predicts_one_gift_too_many(mine):
    C, S, d = mine["C"], mine["S"], mine["dilations"]
    targets = [len(name) + 1 for name in mine["names"]]
    longest = max(targets)
    columns = [1 + sum(d) - sum(d[: i + 1]) for i in range(len(d))]
    return {
        "layer": 2 * C * (2 * C + 1) + C * (C + 1) + S * (C + 1),
        "queued": mine["B"] * C * sum(d),
        "naive": sum(columns),
        "future": sum(d),
        "gifts": 3 * longest - sum(targets) + 1,
        "diluted": mine["loss"] * sum(targets) / (3 * longest),
    }


# stack: gated layers with residual and skip paths


@right("stack")
def stack_layers(x, layers):
    T_out, total = x.shape[1] - sum(layer["dilation"] for layer in layers), 0
    for layer in layers:
        d = layer["dilation"]
        filter, gate = (torch.cat([x[:, :-d], x[:, d:]], dim=2) @ layer["weight"].T).chunk(2, dim=2)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        x = x[:, d:] + z @ layer["mix"].T
        total = total + z[:, -T_out:] @ layer["skip"].T
    return total


@right("stack")
def stack_with_torchs_convolutions(x, layers):
    x, sent = x.transpose(1, 2), []
    for layer in layers:
        C, d = x.shape[1], layer["dilation"]
        a = F.conv1d(x, layer["weight"].view(2 * C, 2, C).transpose(1, 2), dilation=d)
        z = a[:, :C].tanh() * a[:, C:].sigmoid()
        x = x[:, :, d:] + F.conv1d(z, layer["mix"][..., None])
        sent.append(F.conv1d(z, layer["skip"][..., None]))
    T_out = sent[-1].shape[2]
    return torch.stack([one[:, :, one.shape[2] - T_out :] for one in sent]).sum(0).transpose(1, 2)


@right("stack")
def stack_padded_and_cut(x, layers):
    T, total = x.shape[1], 0
    for layer in layers:
        before = F.pad(x, (0, 0, layer["dilation"], 0))[:, :T]
        a = F.linear(torch.cat([before, x], dim=-1), layer["weight"])
        filter, gate = torch.tensor_split(a, 2, dim=-1)
        z = filter.tanh().mul(gate.sigmoid())
        x = x + F.linear(z, layer["mix"])
        total = total + F.linear(z, layer["skip"])
    return total[:, sum(layer["dilation"] for layer in layers) :]


@right("stack")
def stack_column_by_column(x, layers):
    C, late = x.shape[2], sum(layer["dilation"] for layer in layers)
    columns = {t: x[:, t] for t in range(x.shape[1])}
    sums = {}
    for layer in layers:
        above = {}
        for t in columns:
            if t - layer["dilation"] not in columns:
                continue
            a = torch.cat([columns[t - layer["dilation"]], columns[t]], 1) @ layer["weight"].T
            z = F.glu(torch.cat([a[:, :C].tanh(), a[:, C:]], 1), dim=1)
            above[t] = columns[t] + z @ layer["mix"].T
            sums[t] = sums.get(t, 0) + z @ layer["skip"].T
        columns = above
    return torch.stack([sums[t] for t in range(late, x.shape[1])], dim=1)


@wrong("stack", "input unchanged")
def stack_on_the_same_input(x, layers):
    T_out, total = x.shape[1] - sum(layer["dilation"] for layer in layers), 0
    for layer in layers:
        seen = torch.cat([x[:, : -layer["dilation"]], x[:, layer["dilation"] :]], dim=-1)
        a, b = (seen @ layer["weight"].T).chunk(2, dim=-1)
        total = total + (torch.tanh(a) * torch.sigmoid(b))[:, -T_out:] @ layer["skip"].T
    return total


@wrong("stack", "first layer only")
def stack_that_sends_once(x, layers):
    T_out, first = x.shape[1] - sum(layer["dilation"] for layer in layers), layers[0]
    seen = torch.cat([x[:, : -first["dilation"]], x[:, first["dilation"] :]], dim=-1)
    a, b = (seen @ first["weight"].T).chunk(2, dim=-1)
    return (torch.tanh(a) * torch.sigmoid(b))[:, -T_out:] @ first["skip"].T


@wrong("stack", "squeezed at its front")
def stack_of_one_without_a_batch(x, layers):
    T_out, total = x.shape[1] - sum(layer["dilation"] for layer in layers), 0
    for layer in layers:
        early, late = x[:, : -layer["dilation"]], x[:, layer["dilation"] :]
        a, b = (torch.cat([early, late], dim=-1) @ layer["weight"].T).chunk(2, dim=-1)
        z = torch.tanh(a) * torch.sigmoid(b)
        x, total = late + z @ layer["mix"].T, total + z[:, -T_out:] @ layer["skip"].T
    return total[0] if len(total) == 1 else total


@wrong("stack", "returned its input")
def stack_nothing(x, layers):
    return x


@wrong("stack", "all zeros")
def stack_zeros(x, layers):
    return torch.zeros(len(x), x.shape[1] - sum(layer["dilation"] for layer in layers), len(layers[0]["skip"]))


@wrong("stack", "not a tensor")
def stack_and_list(x, layers):
    T_out, sent = x.shape[1] - sum(layer["dilation"] for layer in layers), []
    for layer in layers:
        d = layer["dilation"]
        filter, gate = (torch.cat([x[:, :-d], x[:, d:]], dim=2) @ layer["weight"].T).chunk(2, dim=2)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        x = x[:, d:] + z @ layer["mix"].T
        sent.append(z[:, -T_out:] @ layer["skip"].T)
    return sent


@wrong("stack", "columns that do not fit")
def stack_eight_positions(x, layers):
    total = 0
    for layer in layers:
        d = layer["dilation"]
        filter, gate = (torch.cat([x[:, :-d], x[:, d:]], dim=2) @ layer["weight"].T).chunk(2, dim=2)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        x = x[:, d:] + z @ layer["mix"].T
        total = total + z[:, -8:] @ layer["skip"].T
    return total


@wrong("stack", "error")
def stack_ten_channels(x, layers):
    T_out, total = x.shape[1] - sum(layer["dilation"] for layer in layers), 0
    for layer in layers:
        d = layer["dilation"]
        a = torch.cat([x[:, :-d], x[:, d:]], dim=2) @ layer["weight"].T
        z = torch.tanh(a[..., :10]) * torch.sigmoid(a[..., 10:])
        x = x[:, d:] + z @ layer["mix"].T
        total = total + z[:, -T_out:] @ layer["skip"].T
    return total


@wrong("stack", "changed its input")
def stack_in_place(x, layers):
    T_out, total = x.shape[1] - sum(layer["dilation"] for layer in layers), 0
    for layer in layers:
        d = layer["dilation"]
        filter, gate = (torch.cat([x[:, :-d], x[:, d:]], dim=2) @ layer["weight"].T).chunk(2, dim=2)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        x = x[:, d:]
        x += z @ layer["mix"].T
        total = total + z[:, -T_out:] @ layer["skip"].T
    return total


@wrong("stack", "columns that do not fit")
def stack_all_columns(x, layers):
    total = 0
    for layer in layers:
        d = layer["dilation"]
        filter, gate = (torch.cat([x[:, :-d], x[:, d:]], dim=2) @ layer["weight"].T).chunk(2, dim=2)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        x = x[:, d:] + z @ layer["mix"].T
        total = total + z @ layer["skip"].T
    return total


@wrong("stack", "columns that do not fit")
def stack_all_of_x(x, layers):
    T_out, total = x.shape[1] - sum(layer["dilation"] for layer in layers), 0
    for layer in layers:
        d = layer["dilation"]
        filter, gate = (torch.cat([x[:, :-d], x[:, d:]], dim=2) @ layer["weight"].T).chunk(2, dim=2)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        x = x + z @ layer["mix"].T
        total = total + z[:, -T_out:] @ layer["skip"].T
    return total


@wrong("stack", "other values")
def stack_of_three_layers(x, layers):
    T_out, total = x.shape[1] - sum(layer["dilation"] for layer in layers), 0
    for layer in layers[:3]:
        before, now = x[:, : -layer["dilation"]], x[:, layer["dilation"] :]
        filter, gate = (torch.cat([before, now], dim=2) @ layer["weight"].T).chunk(2, dim=2)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        total = total + z[:, -T_out:] @ layer["skip"].T
        x = now + z @ layer["mix"].T
    return total


@wrong("stack", "zero padding")
def stack_padded_layers(x, layers):
    total = 0
    for layer in layers:
        d = layer["dilation"]
        padded = F.pad(x, (0, 0, d, 0))
        filter, gate = (torch.cat([padded[:, :-d], padded[:, d:]], dim=2) @ layer["weight"].T).chunk(2, dim=2)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        x = x + z @ layer["mix"].T
        total = total + z @ layer["skip"].T
    return total


@wrong("stack", "residual from the earlier tap")
def stack_with_the_earlier_tap_added(x, layers):
    T_out, sent = x.shape[1] - sum(layer["dilation"] for layer in layers), []
    for layer in layers:
        d = layer["dilation"]
        a = torch.cat([x[:, :-d], x[:, d:]], dim=2) @ layer["weight"].T
        filter, gate = a.chunk(2, dim=2)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        x = x[:, :-d] + z @ layer["mix"].T
        sent.append(z[:, -T_out:] @ layer["skip"].T)
    return sum(sent)


@wrong("stack", "other values")
def stack_of_four_layers_at_most(x, layers):
    T_out, total = x.shape[1] - sum(layer["dilation"] for layer in layers), 0
    for layer in layers[:4]:
        d = layer["dilation"]
        filter, gate = (torch.cat([x[:, :-d], x[:, d:]], dim=2) @ layer["weight"].T).chunk(2, dim=2)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        total = total + z[:, -T_out:] @ layer["skip"].T
        x = x[:, d:] + z @ layer["mix"].T
    return total


# name_losses: the mean surprise of each name


@right("name_losses")
def losses_by_cross_entropy(logits, targets):
    surprise = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")  # 0 where the target is -100
    return surprise.sum(dim=1) / (targets != -100).sum(dim=1)


@right("name_losses")
def losses_name_by_name(logits, targets):
    losses = []
    for rows, wanted in zip(logits, targets, strict=True):
        real = wanted >= 0
        losses.append(F.cross_entropy(rows[real], wanted[real]))
    return torch.stack(losses)


@right("name_losses")
def losses_by_hand(logits, targets):
    powers = (logits - logits.amax(2, keepdim=True)).exp()
    probs = powers / powers.sum(2, keepdim=True)
    is_real = targets.ne(-100).float()
    of_targets = probs.gather(2, targets.clamp(min=0).unsqueeze(2)).squeeze(2)
    return -(of_targets.log() * is_real).sum(1) / is_real.sum(1)


@right("name_losses")
def losses_by_nanmean(logits, targets):
    surprise = F.nll_loss(logits.log_softmax(2).flatten(0, 1), targets.flatten(), reduction="none").view(targets.shape)
    return surprise.masked_fill(targets < 0, math.nan).nanmean(dim=1)


@right("name_losses")
def losses_in_loops(logits, targets):
    losses = torch.zeros(len(targets))
    for b in range(len(targets)):
        real = [t for t in range(targets.shape[1]) if targets[b, t] != -100]
        for t in real:
            losses[b] -= F.log_softmax(logits[b, t], dim=0)[targets[b, t]] / len(real)
    return losses


@wrong("name_losses", "all zeros")
def losses_of_zero(logits, targets):
    return torch.zeros(len(targets))


@wrong("name_losses", "not a tensor")
def losses_in_a_list(logits, targets):
    return [F.cross_entropy(rows, wanted).item() for rows, wanted in zip(logits, targets, strict=True)]


@wrong("name_losses", "padding used as an id")
def losses_of_minus_100(logits, targets):
    surprise = -F.log_softmax(logits, dim=2).gather(2, targets[..., None])[..., 0]
    return surprise.mean(dim=1)


@wrong("name_losses", "sign")
def losses_below_zero(logits, targets):
    log_probs = F.log_softmax(logits, dim=2).gather(2, targets.clamp(min=0)[..., None])[..., 0]
    is_real = targets >= 0
    return (log_probs * is_real).sum(dim=1) / is_real.sum(dim=1)


@wrong("name_losses", "error")
def losses_of_32_names(logits, targets):
    surprise = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view(32, -1)
    return surprise.sum(dim=1) / (targets != -100).sum(dim=1)


@wrong("name_losses", "error")
def losses_of_27_characters(logits, targets):
    surprise = F.cross_entropy(logits.reshape(-1, 27), targets.flatten(), reduction="none").view(targets.shape)
    return surprise.sum(dim=1) / (targets != -100).sum(dim=1)


@wrong("name_losses", "changed its input")
def losses_in_place(logits, targets):
    is_real = targets != -100
    targets[~is_real] = 0
    surprise = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    return (surprise * is_real).sum(dim=1) / is_real.sum(dim=1)


@wrong("name_losses", "other values")
def losses_of_two_letters_or_more(logits, targets):
    surprise = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    return surprise.sum(dim=1) / (targets != -100).sum(dim=1).clamp(min=2)


@wrong("name_losses", "mean over padding")
def losses_divided_by_all(logits, targets):
    return F.cross_entropy(logits.transpose(1, 2), targets, reduction="none").mean(dim=1)


# memory: a queue for each layer


@right("memory")
class MemoryOfDeques:
    def __init__(self, weights, dilations, history):
        self.weights, self.queues, x = weights, [], history
        for weight, dilation in zip(weights, dilations, strict=True):
            self.queues.append(deque(x[:, -dilation:].unbind(1)))
            x = torch.tanh(torch.cat([x[:, :-dilation], x[:, dilation:]], dim=2) @ weight.T)

    def step(self, now):
        for weight, queue in zip(self.weights, self.queues, strict=True):
            seen = torch.cat([queue.popleft(), now], dim=1)
            queue.append(now)
            now = torch.tanh(seen @ weight.T)
        return now


@right("memory")
class MemoryInARing:
    def __init__(self, weights, dilations, history):
        self.weights, self.dilations, self.time = weights, dilations, 0
        self.rings, x = [], history
        for weight, d in zip(weights, dilations, strict=True):
            self.rings.append(x[:, x.shape[1] - d :].clone())
            x = F.linear(torch.cat([x[:, :-d], x[:, d:]], -1), weight).tanh()

    def step(self, now):
        for weight, d, ring in zip(self.weights, self.dilations, self.rings, strict=True):
            place = self.time % d
            old = ring[:, place].clone()
            ring[:, place] = now
            now = F.linear(torch.cat([old, now], -1), weight).tanh()
        self.time += 1
        return now


@right("memory")
class MemoryThatMovesUp(nn.Module):
    def __init__(self, weights, dilations, history):
        super().__init__()
        self.layers, self.pasts = [], []
        for weight, dilation in zip(weights, dilations, strict=True):
            C = weight.shape[0]
            self.layers.append((weight[:, :C], weight[:, C:]))
            self.pasts.append(history[:, -dilation:])
            if len(self.layers) < len(weights):  # the history may be too short for what leaves the last layer
                kernel = torch.stack([weight[:, :C], weight[:, C:]], dim=2)
                history = torch.tanh(F.conv1d(history.mT, kernel, dilation=dilation)).mT

    def step(self, now):
        for i, (earlier, later) in enumerate(self.layers):
            past = self.pasts[i]
            self.pasts[i] = torch.cat([past[:, 1:], now[:, None]], dim=1)
            now = torch.tanh(past[:, 0] @ earlier.T + now @ later.T)
        return now


@wrong("memory", "error")
class MemoryThatNeedsALongerHistory(nn.Module):
    def __init__(self, weights, dilations, history):
        super().__init__()
        self.layers, self.pasts = [], []
        for weight, dilation in zip(weights, dilations, strict=True):
            C = weight.shape[0]
            self.layers.append((weight[:, :C], weight[:, C:]))
            self.pasts.append(history[:, -dilation:])
            kernel = torch.stack([weight[:, :C], weight[:, C:]], dim=2)
            history = torch.tanh(F.conv1d(history.mT, kernel, dilation=dilation)).mT

    def step(self, now):
        for i, (earlier, later) in enumerate(self.layers):
            past = self.pasts[i]
            self.pasts[i] = torch.cat([past[:, 1:], now[:, None]], dim=1)
            now = torch.tanh(past[:, 0] @ earlier.T + now @ later.T)
        return now


@right("memory")
class MemoryByNumber:
    def __init__(self, weights, dilations, history):
        self.weights, self.dilations = weights, dilations
        self.inputs = [list(history.unbind(1))]  # of each layer, all that there were
        for weight, dilation in zip(weights, dilations, strict=True):
            before, own = self.inputs[-1][:-dilation], self.inputs[-1][dilation:]
            pairs = zip(before, own, strict=True)
            self.inputs.append([torch.tanh(torch.cat([a, b], dim=1) @ weight.T) for a, b in pairs])

    def step(self, now):
        for layer, (weight, dilation) in enumerate(zip(self.weights, self.dilations, strict=True)):
            self.inputs[layer].append(now)
            old = self.inputs[layer][-1 - dilation]
            now = torch.tanh(torch.cat([old, now], dim=1) @ weight.T)
        return now


@wrong("memory", "not done")
class MemoryNotYet:
    def __init__(self, weights, dilations, history):
        pass

    def step(self, now):
        pass


@wrong("memory", "error")
class MemoryWithoutStep:
    def __init__(self, weights, dilations, history):
        self.weights, self.dilations, self.history = weights, dilations, history


@wrong("memory", "whole window again")
class MemoryOfTheReceptiveField:
    def __init__(self, weights, dilations, history):
        self.weights, self.dilations = weights, dilations
        self.tokens = list(history.unbind(1))

    def step(self, now):
        self.tokens.append(now)
        return self.output(len(self.weights), len(self.tokens) - 1)

    def output(self, layer, time):
        if layer == 0:
            return self.tokens[time]
        earlier = self.output(layer - 1, time - self.dilations[layer - 1])
        seen = torch.cat([earlier, self.output(layer - 1, time)], dim=1)
        return torch.tanh(seen @ self.weights[layer - 1].T)


@wrong("memory", "other values")
class MemoryOfOneTwoFour:
    def __init__(self, weights, dilations, history):
        self.weights, self.queues, x = weights, [], history
        for weight, dilation in zip(weights, [1, 2, 4, 8], strict=False):
            self.queues.append(list(x[:, -dilation:].unbind(1)))
            x = torch.tanh(torch.cat([x[:, :-dilation], x[:, dilation:]], dim=2) @ weight.T)

    def step(self, now):
        for weight, queue in zip(self.weights, self.queues, strict=True):
            old = queue.pop(0)
            queue.append(now)
            now = torch.tanh(torch.cat([old, now], dim=1) @ weight.T)
        return now


@wrong("memory", "changed its input")
class MemoryInTheHistory:
    def __init__(self, weights, dilations, history):
        self.weights, self.dilations, self.time = weights, dilations, 0
        self.rings, x = [], history
        for weight, d in zip(weights, dilations, strict=True):
            self.rings.append(x[:, x.shape[1] - d :])
            x = torch.tanh(torch.cat([x[:, :-d], x[:, d:]], dim=2) @ weight.T)

    def step(self, now):
        for weight, d, ring in zip(self.weights, self.dilations, self.rings, strict=True):
            old = ring[:, self.time % d].clone()
            ring[:, self.time % d] = now
            now = torch.tanh(torch.cat([old, now], dim=1) @ weight.T)
        self.time += 1
        return now


@wrong("memory", "queue one too short")
class MemoryTooShort:
    def __init__(self, weights, dilations, history):
        self.weights, self.queues, x = weights, [], history
        for weight, dilation in zip(weights, dilations, strict=True):
            self.queues.append(deque(x[:, x.shape[1] - dilation + 1 :].unbind(1)))
            x = torch.tanh(torch.cat([x[:, :-dilation], x[:, dilation:]], dim=2) @ weight.T)

    def step(self, now):
        for weight, queue in zip(self.weights, self.queues, strict=True):
            old = queue.popleft()
            queue.append(now)
            now = torch.tanh(torch.cat([old, now], dim=1) @ weight.T)
        return now


@wrong("memory", "squeeze()")
class MemorySqueezed:
    def __init__(self, weights, dilations, history):
        self.weights, self.queues, x = weights, [], history
        for weight, dilation in zip(weights, dilations, strict=True):
            self.queues.append(list(x[:, -dilation:].unbind(1)))
            x = torch.tanh(torch.cat([x[:, :-dilation], x[:, dilation:]], dim=2) @ weight.T)

    def step(self, now):
        for weight, queue in zip(self.weights, self.queues, strict=True):
            old = queue.pop(0)
            queue.append(now)
            now = torch.tanh(torch.cat([old, now], dim=1) @ weight.T)
        return now.squeeze()


@wrong("memory", "memories share a queue")
class MemoryShared:
    queues = []  # noqa: RUF012

    def __init__(self, weights, dilations, history):
        self.weights, x = weights, history
        for weight, dilation in zip(weights, dilations, strict=True):
            self.queues.append(list(x[:, -dilation:].unbind(1)))
            x = torch.tanh(torch.cat([x[:, :-dilation], x[:, dilation:]], dim=2) @ weight.T)

    def step(self, now):
        for weight, queue in zip(self.weights, self.queues, strict=False):
            old = queue.pop(0)
            queue.append(now)
            now = torch.tanh(torch.cat([old, now], dim=1) @ weight.T)
        return now


# mended: a norm that sees the future


@right("mended")
def logits_mended(ids, net):
    x = net["table"][ids]
    for layer in net["layers"]:
        d = layer["dilation"]
        a = torch.cat([x[:, :-d], x[:, d:]], dim=2) @ layer["weight"].T
        a = F.layer_norm(a, a.shape[2:])
        filter, gate = a.chunk(2, dim=2)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        x = x[:, d:] + z @ layer["mix"].T
    return x @ net["head"].T


@right("mended")
def logits_with_a_layer(ids, net):
    x = net["table"][ids]
    for layer in net["layers"]:
        d = layer["dilation"]
        a = torch.cat([x[:, :-d], x[:, d:]], dim=2) @ layer["weight"].T
        a = nn.LayerNorm(a.shape[-1])(a)
        filter, gate = a.chunk(2, dim=2)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        x = x[:, d:] + z @ layer["mix"].T
    return x @ net["head"].T


@right("mended")
def logits_normalised_by_hand(ids, net):
    x = net["table"][ids]
    for layer in net["layers"]:
        d = layer["dilation"]
        a = torch.cat([x[:, :-d], x[:, d:]], dim=2) @ layer["weight"].T
        a = (a - a.mean(2, keepdim=True)) / (a.var(2, keepdim=True, unbiased=False) + 1e-5).sqrt()
        filter, gate = a.chunk(2, dim=2)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        x = x[:, d:] + z @ layer["mix"].T
    return x @ net["head"].T


@right("mended")
def logits_position_by_position(ids, net):
    x = net["table"][ids]
    for layer in net["layers"]:
        d = layer["dilation"]
        a = torch.cat([x[:, :-d], x[:, d:]], dim=2) @ layer["weight"].T
        a = torch.stack([F.layer_norm(a[:, t], (a.shape[2],)) for t in range(a.shape[1])], dim=1)
        filter, gate = a.chunk(2, dim=2)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        x = x[:, d:] + z @ layer["mix"].T
    return x @ net["head"].T


@right("mended")
def logits_all_over_again(ids, net):
    rows = []
    for one in ids:
        x = F.embedding(one, net["table"])
        for layer in net["layers"]:
            a = torch.cat([x[: -layer["dilation"]], x[layer["dilation"] :]], dim=1) @ layer["weight"].T
            a = a - a.mean(dim=1, keepdim=True)
            a = a * torch.rsqrt(a.square().mean(dim=1, keepdim=True) + 1e-5)
            C = x.shape[1]
            x = x[layer["dilation"] :] + (a[:, :C].tanh() * a[:, C:].sigmoid()) @ layer["mix"].T
        rows.append(F.linear(x, net["head"]))
    return torch.stack(rows)


@wrong("mended", "not done")
def logits_as_given(ids, net):
    x = net["table"][ids]
    for layer in net["layers"]:
        d = layer["dilation"]
        a = torch.cat([x[:, :-d], x[:, d:]], dim=2) @ layer["weight"].T
        a = F.layer_norm(a, a.shape[1:])
        filter, gate = a.chunk(2, dim=2)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        x = x[:, d:] + z @ layer["mix"].T
    return x @ net["head"].T


@wrong("mended", "another dimension handed to the norm")
def logits_with_the_time_handed_over(ids, net):
    x = net["table"][ids]
    for layer in net["layers"]:
        d = layer["dilation"]
        a = torch.cat([x[:, :-d], x[:, d:]], dim=2) @ layer["weight"].T
        a = F.layer_norm(a, a.shape[1:2])
        filter, gate = a.chunk(2, dim=2)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        x = x[:, d:] + z @ layer["mix"].T
    return x @ net["head"].T


@wrong("mended", "another dimension handed to the norm")
def logits_of_twenty_channels(ids, net):
    x = net["table"][ids]
    for layer in net["layers"]:
        d = layer["dilation"]
        a = torch.cat([x[:, :-d], x[:, d:]], dim=2) @ layer["weight"].T
        filter, gate = F.layer_norm(a, (len(ids),)).chunk(2, dim=2)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        x = x[:, d:] + z @ layer["mix"].T
    return x @ net["head"].T


@wrong("mended", "wrong shape")
def logits_of_eight_positions(ids, net):
    x = net["table"][ids]
    for layer in net["layers"]:
        d = layer["dilation"]
        a = torch.cat([x[:, :-d], x[:, d:]], dim=2) @ layer["weight"].T
        filter, gate = F.layer_norm(a, a.shape[2:]).chunk(2, dim=2)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        x = x[:, d:] + z @ layer["mix"].T
    return x[:, -8:] @ net["head"][:27].T


@wrong("mended", "changed its input")
def logits_in_place(ids, net):
    x = net["table"][ids]
    for layer in net["layers"]:
        d = layer.pop("dilation")
        a = torch.cat([x[:, :-d], x[:, d:]], dim=2) @ layer["weight"].T
        filter, gate = F.layer_norm(a, a.shape[2:]).chunk(2, dim=2)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        x = x[:, d:] + z @ layer["mix"].T
    return x @ net["head"].T


@wrong("mended", "mean over batch and time")
def logits_with_batchnorm(ids, net):
    x = net["table"][ids]
    for layer in net["layers"]:
        d = layer["dilation"]
        a = torch.cat([x[:, :-d], x[:, d:]], dim=2) @ layer["weight"].T
        a = F.batch_norm(a.flatten(0, 1), None, None, training=True).view(a.shape)
        filter, gate = a.chunk(2, dim=2)
        z = torch.tanh(filter) * torch.sigmoid(gate)
        x = x[:, d:] + z @ layer["mix"].T
    return x @ net["head"].T
