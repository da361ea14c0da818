"""Answers to assignment 04."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from tests.classroom.catalogue.catalogue import Catalogue

ANSWERS = Catalogue("a04")
right, wrong = ANSWERS.right, ANSWERS.wrong


# predictions


@right("predictions")
def predicted(mine):
    warmup, steps = mine["warmup"], mine["steps"]
    p = (mine["late"] - warmup) / (steps - warmup)
    losses = []
    for letters in mine["batch"].values():
        losses += [-math.log(letters.count(letter) / len(letters)) for letter in letters]
    w, goal, lr = mine["weight"], mine["goal"], mine["lr"]
    first = 2 * (w - goal)
    w1 = w - lr * first
    second = 2 * (w1 - goal)
    (n, m), (a, b) = mine["pieces"]["windows"], mine["pieces"]["losses"]
    return {
        "in_all": mine["epochs"] * (mine["windows"] // mine["batch_size"]),
        "early_lr": 100 * (mine["early"] + 1) / warmup,
        "late_lr": 100 * (1 + math.cos(math.pi * p)) / 2,
        "floor": sum(losses) / len(losses),
        "two_steps": w1 - lr * second,
        "kept": w1 - lr * (first + second),
        "whole": (n * a + m * b) / (n + m),
    }


@right("predictions")
def predicted_by_torch(mine):
    def trained(reset):
        w = torch.tensor(float(mine["weight"]), requires_grad=True)
        for _ in range(2):
            if reset:
                w.grad = None
            ((w - mine["goal"]) ** 2).backward()
            with torch.no_grad():
                w -= mine["lr"] * w.grad
        return round(w.item(), 2)

    rows = [(i, ord(c)) for i, came in enumerate(mine["batch"].values()) for c in came]
    which, letters = (torch.tensor(column) for column in zip(*rows, strict=True))
    counts = torch.zeros(len(mine["batch"]), 256).index_put_((which, letters), torch.ones(len(rows)), accumulate=True)
    share = counts / counts.sum(1, keepdim=True)
    sizes, losses = (torch.tensor(mine["pieces"][key]).float() for key in ("windows", "losses"))
    angle = math.pi * (mine["late"] - mine["warmup"]) / (mine["steps"] - mine["warmup"])
    return {
        "in_all": len(range(0, mine["windows"] - mine["batch_size"] + 1, mine["batch_size"])) * mine["epochs"],
        "early_lr": round((mine["early"] + 1) / mine["warmup"] * 100, 2),
        "late_lr": 100 * math.cos(angle / 2) ** 2,
        "floor": -share[which, letters].log().mean(),
        "two_steps": trained(reset=True),
        "kept": trained(reset=False),
        "whole": (sizes * losses).sum() / sizes.sum(),
    }


@right("predictions")
def predicted_to_two_decimals(mine):
    p = (mine["late"] - mine["warmup"]) / (mine["steps"] - mine["warmup"])
    entropy, count = 0, 0
    for came in mine["batch"].values():
        for letter in set(came):
            entropy -= came.count(letter) * math.log(came.count(letter) / len(came))
        count += len(came)
    far, lr = mine["weight"] - mine["goal"], mine["lr"]
    (n, m), (a, b) = mine["pieces"]["windows"], mine["pieces"]["losses"]
    return {
        "in_all": mine["windows"] // mine["batch_size"] * mine["epochs"],
        "early_lr": round(100 * (mine["early"] + 1) / mine["warmup"], 2),
        "late_lr": round(50 + 50 * math.cos(math.pi * p), 2),
        "floor": round(entropy / count, 2),
        "two_steps": round(mine["goal"] + far * (1 - 2 * lr) ** 2, 2),
        "kept": round(mine["goal"] + far * (1 - 6 * lr + 4 * lr * lr), 2),
        "whole": round((n * a + m * b) / (n + m), 2),
    }


@wrong("predictions", "windows counted")
def predicts_windows(mine):
    warmup, steps = mine["warmup"], mine["steps"]
    p = (mine["late"] - warmup) / (steps - warmup)
    batch = mine["batch"].values()
    losses = [-math.log(came.count(letter) / len(came)) for came in batch for letter in came]
    far, goal, lr = mine["weight"] - mine["goal"], mine["goal"], mine["lr"]
    (n, a), (m, b) = zip(mine["pieces"]["windows"], mine["pieces"]["losses"], strict=True)
    return {
        "in_all": mine["epochs"] * mine["windows"],
        "early_lr": 100 * (mine["early"] + 1) / warmup,
        "late_lr": 50 * (1 + math.cos(math.pi * p)),
        "floor": sum(losses) / len(losses),
        "two_steps": goal + far * (1 - 2 * lr) ** 2,
        "kept": goal + far * (1 - 6 * lr + 4 * lr**2),
        "whole": (n * a + m * b) / (n + m),
    }


# step: one step of SGD


@right("step")
def step_by_backward(windows, targets, table, weight, lr):
    table, weight = table.clone().requires_grad_(), weight.clone().requires_grad_()
    loss = F.cross_entropy(table[windows].flatten(1) @ weight, targets)
    loss.backward()
    with torch.no_grad():
        return table - lr * table.grad, weight - lr * weight.grad, loss.item()


@right("step")
def step_by_optimizer(windows, targets, table, weight, lr):
    parameters = [nn.Parameter(table.clone()), nn.Parameter(weight.clone())]
    optimizer = torch.optim.SGD(parameters, lr=lr)
    loss = F.cross_entropy(F.embedding(windows, parameters[0]).view(len(windows), -1) @ parameters[1], targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return *(p.data for p in parameters), loss.detach()


@right("step")
def step_on_paper(windows, targets, table, weight, lr):
    B, (V, C) = len(windows), table.shape
    x = table[windows].view(B, -1)
    probs = F.softmax(x @ weight, dim=1)
    loss = -probs[torch.arange(B), targets].log().mean()
    error = (probs - F.one_hot(targets, V)) / B
    by_letter = torch.zeros_like(table).index_add_(0, windows.flatten(), (error @ weight.T).view(-1, C))
    return [table - lr * by_letter, weight - lr * x.T @ error, float(loss)]


@right("step")
def step_by_grad(windows, targets, table, weight, lr):
    parameters = [p.detach().requires_grad_() for p in (table, weight)]
    loss = F.cross_entropy(parameters[0][windows].flatten(1) @ parameters[1], targets)
    slopes = torch.autograd.grad(loss, parameters)
    table, weight = (p - lr * slope for p, slope in zip(parameters, slopes, strict=True))
    return table, weight, loss


@wrong("step", "weight not moved")
def step_of_the_table(windows, targets, table, weight, lr):
    table = table.clone().requires_grad_()
    loss = F.cross_entropy(table[windows].flatten(1) @ weight, targets)
    loss.backward()
    return table.detach() - lr * table.grad, weight.clone(), loss.item()


@wrong("step", "steps, not parameters")
def step_by_itself(windows, targets, table, weight, lr):
    parameters = [table.clone().requires_grad_(), weight.clone().requires_grad_()]
    loss = F.cross_entropy(parameters[0][windows].flatten(1) @ parameters[1], targets)
    loss.backward()
    return *(lr * p.grad for p in parameters), loss.item()


@wrong("step", "learning rate hard-coded")
def step_of_a_tenth(windows, targets, table, weight, lr):
    parameters = [table.clone().requires_grad_(), weight.clone().requires_grad_()]
    loss = F.cross_entropy(parameters[0][windows].flatten(1) @ parameters[1], targets)
    loss.backward()
    torch.optim.SGD(parameters, lr=0.1).step()
    return *(p.detach() for p in parameters), loss.item()


@wrong("step", "sign of the gradient only")
def step_by_sign(windows, targets, table, weight, lr):
    parameters = [table.clone().requires_grad_(), weight.clone().requires_grad_()]
    loss = F.cross_entropy(parameters[0][windows].flatten(1) @ parameters[1], targets)
    gradients = torch.autograd.grad(loss, parameters)
    return *(p.detach() - lr * torch.sign(g) for p, g in zip(parameters, gradients, strict=True)), loss.item()


@wrong("step", "changed its input")
def step_in_place(windows, targets, table, weight, lr):
    table.requires_grad_(), weight.requires_grad_()
    loss = F.cross_entropy(table[windows].flatten(1) @ weight, targets)
    loss.backward()
    with torch.no_grad():
        table -= lr * table.grad
        weight -= lr * weight.grad
    return table, weight, loss.item()


@wrong("step", "parameters without requires_grad")
def step_without_asking(windows, targets, table, weight, lr):
    loss = F.cross_entropy(table[windows].flatten(1) @ weight, targets)
    loss.backward()
    return table - lr * table.grad, weight - lr * weight.grad, loss.item()


@wrong("step", "no gradient there")
def step_on_copies(windows, targets, table, weight, lr):
    table.requires_grad_(), weight.requires_grad_()
    copies = [table.clone(), weight.clone()]
    loss = F.cross_entropy(copies[0][windows].flatten(1) @ copies[1], targets)
    loss.backward()
    return copies[0] - lr * copies[0].grad, copies[1] - lr * copies[1].grad, loss.item()


@wrong("step", "written into a parameter")
def step_with_a_record(windows, targets, table, weight, lr):
    table, weight = table.clone().requires_grad_(), weight.clone().requires_grad_()
    loss = F.cross_entropy(table[windows].flatten(1) @ weight, targets)
    loss.backward()
    table -= lr * table.grad
    weight -= lr * weight.grad
    return table, weight, loss.item()


@wrong("step", "wrong number of results")
def step_without_loss(windows, targets, table, weight, lr):
    table, weight = table.clone().requires_grad_(), weight.clone().requires_grad_()
    F.cross_entropy(table[windows].flatten(1) @ weight, targets).backward()
    return table - lr * table.grad, weight - lr * weight.grad


@wrong("step", "error")
def step_for_the_lesson(windows, targets, table, weight, lr):
    table, weight = table.clone().requires_grad_(), weight.clone().requires_grad_()
    loss = F.cross_entropy(table[windows].view(32, 80) @ weight, targets)
    loss.backward()
    return table - lr * table.grad, weight - lr * weight.grad, loss.item()


@wrong("step", "one after the other")
def step_in_two_parts(windows, targets, table, weight, lr):
    start, table = table, table.clone().requires_grad_()
    loss = F.cross_entropy(table[windows].flatten(1) @ weight, targets)
    loss.backward()
    table = (start - lr * table.grad).detach()
    weight = weight.clone().requires_grad_()
    F.cross_entropy(table[windows].flatten(1) @ weight, targets).backward()
    return table, weight - lr * weight.grad, loss.item()


@wrong("step", "loss after the step")
def step_and_its_loss(windows, targets, table, weight, lr):
    table, weight = table.clone().requires_grad_(), weight.clone().requires_grad_()
    F.cross_entropy(table[windows].flatten(1) @ weight, targets).backward()
    with torch.no_grad():
        table -= lr * table.grad
        weight -= lr * weight.grad
        loss = F.cross_entropy(table[windows].flatten(1) @ weight, targets)
    return table, weight, loss.item()


# schedule


@right("schedule")
def rate_in_three_parts(step, steps, highest, warmup, fall):
    if step < warmup:
        return highest * (step + 1) / warmup
    if step < steps - fall:
        return highest
    return highest * (steps - step) / fall


@right("schedule")
def rate_of_the_lowest(step, steps, highest, warmup, fall):
    rise = (step + 1) / max(warmup, 1)
    down = (steps - step) / max(fall, 1)
    return highest * min(1, rise, down)


@right("schedule")
def rate_from_a_list(step, steps, highest, warmup, fall):
    rates = [highest * (i + 1) / warmup for i in range(warmup)]
    rates += [highest] * (steps - warmup - fall)
    rates += [highest - highest / fall * i for i in range(fall)]
    return torch.tensor(rates)[step]


@wrong("schedule", "warm-up of no steps")
def rate_that_divides(step, steps, highest, warmup, fall):
    return highest * min(1, (step + 1) / warmup, (steps - step) / fall)


@wrong("schedule", "cosine")
def rate_by_cosine(step, steps, highest, warmup, fall):
    if step < warmup:
        return highest * (step + 1) / warmup
    if step < steps - fall:
        return highest
    p = (step - (steps - fall)) / fall
    return highest * (1 + math.cos(math.pi * p)) / 2


@wrong("schedule", "falls one step early")
def rate_that_falls_one_step_early(step, steps, highest, warmup, fall):
    if step < warmup:
        return highest * (step + 1) / warmup
    if step < steps - fall:
        return highest
    return highest * (steps - step - 1) / fall


# mended: a training whose gradients are never set back


@right("mended")
def train_with_none(windows, targets, table, weight, lr, steps):
    parameters, losses = [table.clone().requires_grad_(), weight.clone().requires_grad_()], []
    for _ in range(steps):
        loss = F.cross_entropy(parameters[0][windows].flatten(1) @ parameters[1], targets)
        loss.backward()
        with torch.no_grad():
            for p in parameters:
                p -= lr * p.grad
                p.grad = None
        losses.append(loss.item())
    return parameters[0].detach(), parameters[1].detach(), losses


@right("mended")
def train_by_optimizer(windows, targets, table, weight, lr, steps):
    parameters, losses = [table.clone().requires_grad_(), weight.clone().requires_grad_()], []
    optimizer = torch.optim.SGD(parameters, lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(parameters[0][windows].flatten(1) @ parameters[1], targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return parameters[0].detach(), parameters[1].detach(), losses


@right("mended")
def train_with_new_tensors(windows, targets, table, weight, lr, steps):
    losses = []
    for _ in range(steps):
        table, weight = table.detach().requires_grad_(), weight.detach().requires_grad_()
        loss = F.cross_entropy(table[windows].flatten(1) @ weight, targets)
        slopes = torch.autograd.grad(loss, (table, weight))
        table, weight = table - lr * slopes[0], weight - lr * slopes[1]
        losses.append(loss.item())
    return table.detach(), weight.detach(), torch.tensor(losses)


@right("mended")
def train_with_zeros_before(windows, targets, table, weight, lr, steps):
    parameters, losses = [table.clone().requires_grad_(), weight.clone().requires_grad_()], []
    for _ in range(steps):
        for p in parameters:
            if p.grad is not None:
                p.grad.zero_()
        loss = F.cross_entropy(parameters[0][windows].flatten(1) @ parameters[1], targets)
        loss.backward()
        for p in parameters:
            p.data -= lr * p.grad
        losses.append(loss.item())
    return parameters[0].data, parameters[1].data, losses


@wrong("mended", "gradient of the sum")
def train_on_sums(windows, targets, table, weight, lr, steps):
    table, weight = table.clone().requires_grad_(), weight.clone().requires_grad_()
    losses = []
    for _ in range(steps):
        loss = F.cross_entropy(table[windows].flatten(1) @ weight, targets, reduction="sum")
        new = torch.autograd.grad(loss, (table, weight))
        with torch.no_grad():
            table -= lr * new[0]
            weight -= lr * new[1]
        losses.append(loss.item())
    return table.detach(), weight.detach(), losses


@wrong("mended", "parameters lost their gradients")
def train_with_new_parameters(windows, targets, table, weight, lr, steps):
    table, weight = table.clone().requires_grad_(), weight.clone().requires_grad_()
    losses = []
    for _ in range(steps):
        loss = F.cross_entropy(table[windows].flatten(1) @ weight, targets)
        loss.backward()
        with torch.no_grad():
            table, weight = table - lr * table.grad, weight - lr * weight.grad
        losses.append(loss.item())
    return table, weight, losses


@wrong("mended", "reset too early")
def train_without_gradients(windows, targets, table, weight, lr, steps):
    parameters, losses = [table.clone().requires_grad_(), weight.clone().requires_grad_()], []
    for _ in range(steps):
        loss = F.cross_entropy(parameters[0][windows].flatten(1) @ parameters[1], targets)
        loss.backward()
        with torch.no_grad():
            for p in parameters:
                p.grad = None
                p -= lr * p.grad
        losses.append(loss.item())
    return parameters[0].detach(), parameters[1].detach(), losses


@wrong("mended", "nothing moves")
def train_with_zeros_after_backward(windows, targets, table, weight, lr, steps):
    parameters, losses = [table.clone().requires_grad_(), weight.clone().requires_grad_()], []
    for _ in range(steps):
        loss = F.cross_entropy(parameters[0][windows].flatten(1) @ parameters[1], targets)
        loss.backward()
        with torch.no_grad():
            for p in parameters:
                p.grad.zero_()
                p -= lr * p.grad
        losses.append(loss.item())
    return parameters[0].detach(), parameters[1].detach(), losses


@wrong("mended", "changed its input")
def train_in_place(windows, targets, table, weight, lr, steps):
    parameters, losses = [table.requires_grad_(), weight.requires_grad_()], []
    for _ in range(steps):
        loss = F.cross_entropy(table[windows].flatten(1) @ weight, targets)
        loss.backward()
        with torch.no_grad():
            for p in parameters:
                p -= lr * p.grad
                p.grad = None
        losses.append(loss.item())
    return table.detach(), weight.detach(), losses


@wrong("mended", "weight not set back")
def train_with_the_table_reset(windows, targets, table, weight, lr, steps):
    parameters, losses = [table.clone().requires_grad_(), weight.clone().requires_grad_()], []
    for _ in range(steps):
        parameters[0].grad = None
        loss = F.cross_entropy(parameters[0][windows].flatten(1) @ parameters[1], targets)
        loss.backward()
        with torch.no_grad():
            for p in parameters:
                p -= lr * p.grad
        losses.append(loss.item())
    return parameters[0].detach(), parameters[1].detach(), losses


# evaluate


@right("evaluate")
def evaluated_as_in_lib(net, X, Y, piece):
    training, total = net.training, 0.0
    net.eval()
    with torch.no_grad():
        for x, y in zip(X.split(piece), Y.split(piece), strict=True):
            total += F.cross_entropy(net(x), y, reduction="sum").item()
    net.train(training)
    return total / len(Y)


@right("evaluate")
def evaluated_with_weights(net, X, Y, piece):
    was_training = net.training
    net.train(False)
    mean = torch.zeros(())
    for begin in range(0, len(X), piece):
        x, y = X[begin : begin + piece], Y[begin : begin + piece]
        with torch.inference_mode():
            mean = mean + F.cross_entropy(net(x), y) * len(y) / len(Y)
    if was_training:
        net.train()
    return mean


@right("evaluate")
@torch.no_grad()
def evaluated_by_concatenation(net, X, Y, piece):
    was = [(module, module.training) for module in net.modules()]
    net.eval()
    try:
        log_probs = torch.cat([net(x).log_softmax(1) for x in torch.split(X, piece)])
    finally:
        for module, training in was:
            module.training = training
    return -log_probs[torch.arange(len(Y)), Y].mean().item()


@wrong("evaluate", "divided by full pieces")
def evaluate_as_if_all_were_full(model, X, Y, piece):
    mode, total = model.training, 0.0
    model.eval()
    starts = range(0, len(X), piece)
    with torch.no_grad():
        for i in starts:
            total += F.cross_entropy(model(X[i : i + piece]), Y[i : i + piece], reduction="sum").item()
    model.train(mode)
    return total / (len(starts) * piece)


@wrong("evaluate", "divided by the pieces")
def evaluated_per_piece(net, X, Y, piece):
    training, total = net.training, 0
    net.eval()
    pieces = list(zip(X.split(piece), Y.split(piece), strict=True))
    with torch.no_grad():
        for x, y in pieces:
            total += F.cross_entropy(net(x), y, reduction="sum").item()
    net.train(training)
    return total / len(pieces)


@wrong("evaluate", "mode not restored")
def evaluated_and_left(net, X, Y, piece):
    total = 0.0
    net.eval()
    with torch.no_grad():
        for x, y in zip(X.split(piece), Y.split(piece), strict=True):
            total += F.cross_entropy(net(x), y, reduction="sum").item()
    return total / len(Y)


@right("evaluate")
def evaluated_on_a_copy(net, X, Y, piece):
    from copy import deepcopy

    quiet, total = deepcopy(net).eval(), 0.0
    with torch.no_grad():
        for x, y in zip(X.split(piece), Y.split(piece), strict=True):
            total += F.cross_entropy(quiet(x), y, reduction="sum").item()
    return total / len(Y)


@wrong("evaluate", "effect that stays")
def evaluated_without_gradients_for_good(net, X, Y, piece):
    training, total = net.training, 0.0
    net.eval()
    torch.set_grad_enabled(False)
    for x, y in zip(X.split(piece), Y.split(piece), strict=True):
        total += F.cross_entropy(net(x), y, reduction="sum").item()
    net.train(training)
    return total / len(Y)


@wrong("evaluate", "effect that stays")
def evaluated_frozen(net, X, Y, piece):
    training, total = net.training, 0.0
    net.eval().requires_grad_(False)
    for x, y in zip(X.split(piece), Y.split(piece), strict=True):
        total += F.cross_entropy(net(x), y, reduction="sum").item()
    net.train(training)
    return total / len(Y)


@wrong("evaluate", "other values", hidden=True)
def evaluated_with_an_empty_rest(net, X, Y, piece):
    training, total = net.training, 0.0
    net.eval()
    with torch.no_grad():
        for i in range(len(X) // piece):
            x, y = X[i * piece : (i + 1) * piece], Y[i * piece : (i + 1) * piece]
            total += F.cross_entropy(net(x), y, reduction="sum").item()
        rest = len(X) % piece
        total += F.cross_entropy(net(X[-rest:]), Y[-rest:], reduction="sum").item()
    net.train(training)
    return total / len(Y)


@wrong("schedule", "warm-up of no steps", hidden=True)
def lr_that_always_falls(step, steps, highest, warmup, fall):
    if step < warmup:
        return highest * (step + 1) / warmup
    return min(highest, highest * (steps - step) / fall)
