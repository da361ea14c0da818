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


@wrong("predictions", "one epoch only")
def predicts_one_epoch(mine):
    warmup, steps = mine["warmup"], mine["steps"]
    p = (mine["late"] - warmup) / (steps - warmup)
    batch = mine["batch"].values()
    losses = [-math.log(came.count(letter) / len(came)) for came in batch for letter in came]
    far, goal, lr = mine["weight"] - mine["goal"], mine["goal"], mine["lr"]
    (n, a), (m, b) = zip(mine["pieces"]["windows"], mine["pieces"]["losses"], strict=True)
    return {
        "in_all": mine["windows"] // mine["batch_size"],
        "early_lr": 100 * (mine["early"] + 1) / warmup,
        "late_lr": 50 * (1 + math.cos(math.pi * p)),
        "floor": sum(losses) / len(losses),
        "two_steps": goal + far * (1 - 2 * lr) ** 2,
        "kept": goal + far * (1 - 6 * lr + 4 * lr**2),
        "whole": (n * a + m * b) / (n + m),
    }


@wrong("predictions", "small batch counted")
def predicts_the_small_batch(mine):
    warmup, steps = mine["warmup"], mine["steps"]
    p = (mine["late"] - warmup) / (steps - warmup)
    batch = mine["batch"].values()
    losses = [-math.log(came.count(letter) / len(came)) for came in batch for letter in came]
    far, goal, lr = mine["weight"] - mine["goal"], mine["goal"], mine["lr"]
    (n, a), (m, b) = zip(mine["pieces"]["windows"], mine["pieces"]["losses"], strict=True)
    return {
        "in_all": mine["epochs"] * math.ceil(mine["windows"] / mine["batch_size"]),
        "early_lr": 100 * (mine["early"] + 1) / warmup,
        "late_lr": 50 * (1 + math.cos(math.pi * p)),
        "floor": sum(losses) / len(losses),
        "two_steps": goal + far * (1 - 2 * lr) ** 2,
        "kept": goal + far * (1 - 6 * lr + 4 * lr**2),
        "whole": (n * a + m * b) / (n + m),
    }


@wrong("predictions", "starts at zero")
def predicts_a_start_at_zero(mine):
    warmup, steps = mine["warmup"], mine["steps"]
    p = (mine["late"] - warmup) / (steps - warmup)
    batch = mine["batch"].values()
    losses = [-math.log(came.count(letter) / len(came)) for came in batch for letter in came]
    far, goal, lr = mine["weight"] - mine["goal"], mine["goal"], mine["lr"]
    (n, a), (m, b) = zip(mine["pieces"]["windows"], mine["pieces"]["losses"], strict=True)
    return {
        "in_all": mine["epochs"] * (mine["windows"] // mine["batch_size"]),
        "early_lr": 100 * mine["early"] / warmup,
        "late_lr": 50 * (1 + math.cos(math.pi * p)),
        "floor": sum(losses) / len(losses),
        "two_steps": goal + far * (1 - 2 * lr) ** 2,
        "kept": goal + far * (1 - 6 * lr + 4 * lr**2),
        "whole": (n * a + m * b) / (n + m),
    }


@wrong("predictions", "not in percent")
def predicts_a_share(mine):
    warmup, steps = mine["warmup"], mine["steps"]
    p = (mine["late"] - warmup) / (steps - warmup)
    batch = mine["batch"].values()
    losses = [-math.log(came.count(letter) / len(came)) for came in batch for letter in came]
    far, goal, lr = mine["weight"] - mine["goal"], mine["goal"], mine["lr"]
    (n, a), (m, b) = zip(mine["pieces"]["windows"], mine["pieces"]["losses"], strict=True)
    return {
        "in_all": mine["epochs"] * (mine["windows"] // mine["batch_size"]),
        "early_lr": (mine["early"] + 1) / warmup,
        "late_lr": 50 * (1 + math.cos(math.pi * p)),
        "floor": sum(losses) / len(losses),
        "two_steps": goal + far * (1 - 2 * lr) ** 2,
        "kept": goal + far * (1 - 6 * lr + 4 * lr**2),
        "whole": (n * a + m * b) / (n + m),
    }


@wrong("predictions", "straight line")
def predicts_a_straight_line(mine):
    warmup, steps = mine["warmup"], mine["steps"]
    p = (mine["late"] - warmup) / (steps - warmup)
    batch = mine["batch"].values()
    losses = [-math.log(came.count(letter) / len(came)) for came in batch for letter in came]
    far, goal, lr = mine["weight"] - mine["goal"], mine["goal"], mine["lr"]
    (n, a), (m, b) = zip(mine["pieces"]["windows"], mine["pieces"]["losses"], strict=True)
    return {
        "in_all": mine["epochs"] * (mine["windows"] // mine["batch_size"]),
        "early_lr": 100 * (mine["early"] + 1) / warmup,
        "late_lr": 100 * (1 - p),
        "floor": sum(losses) / len(losses),
        "two_steps": goal + far * (1 - 2 * lr) ** 2,
        "kept": goal + far * (1 - 6 * lr + 4 * lr**2),
        "whole": (n * a + m * b) / (n + m),
    }


@wrong("predictions", "share that is gone")
def predicts_what_is_gone(mine):
    warmup, steps = mine["warmup"], mine["steps"]
    p = (mine["late"] - warmup) / (steps - warmup)
    batch = mine["batch"].values()
    losses = [-math.log(came.count(letter) / len(came)) for came in batch for letter in came]
    far, goal, lr = mine["weight"] - mine["goal"], mine["goal"], mine["lr"]
    (n, a), (m, b) = zip(mine["pieces"]["windows"], mine["pieces"]["losses"], strict=True)
    return {
        "in_all": mine["epochs"] * (mine["windows"] // mine["batch_size"]),
        "early_lr": 100 * (mine["early"] + 1) / warmup,
        "late_lr": 50 * (1 - math.cos(math.pi * p)),
        "floor": sum(losses) / len(losses),
        "two_steps": goal + far * (1 - 2 * lr) ** 2,
        "kept": goal + far * (1 - 6 * lr + 4 * lr**2),
        "whole": (n * a + m * b) / (n + m),
    }


@wrong("predictions", "no loss at all")
def predicts_perfection(mine):
    warmup, steps = mine["warmup"], mine["steps"]
    p = (mine["late"] - warmup) / (steps - warmup)
    far, goal, lr = mine["weight"] - mine["goal"], mine["goal"], mine["lr"]
    (n, a), (m, b) = zip(mine["pieces"]["windows"], mine["pieces"]["losses"], strict=True)
    return {
        "in_all": mine["epochs"] * (mine["windows"] // mine["batch_size"]),
        "early_lr": 100 * (mine["early"] + 1) / warmup,
        "late_lr": 50 * (1 + math.cos(math.pi * p)),
        "floor": 0,
        "two_steps": goal + far * (1 - 2 * lr) ** 2,
        "kept": goal + far * (1 - 6 * lr + 4 * lr**2),
        "whole": (n * a + m * b) / (n + m),
    }


@wrong("predictions", "each window counted once")
def predicts_distinct_windows(mine):
    warmup, steps = mine["warmup"], mine["steps"]
    p = (mine["late"] - warmup) / (steps - warmup)
    batch = mine["batch"].values()
    far, goal, lr = mine["weight"] - mine["goal"], mine["goal"], mine["lr"]
    (n, a), (m, b) = zip(mine["pieces"]["windows"], mine["pieces"]["losses"], strict=True)
    return {
        "in_all": mine["epochs"] * (mine["windows"] // mine["batch_size"]),
        "early_lr": 100 * (mine["early"] + 1) / warmup,
        "late_lr": 50 * (1 + math.cos(math.pi * p)),
        "floor": sum(sum(math.log(len(c) / c.count(x)) for x in c) / len(c) for c in batch) / len(batch),
        "two_steps": goal + far * (1 - 2 * lr) ** 2,
        "kept": goal + far * (1 - 6 * lr + 4 * lr**2),
        "whole": (n * a + m * b) / (n + m),
    }


@wrong("predictions", "uphill")
def predicts_uphill(mine):
    warmup, steps = mine["warmup"], mine["steps"]
    p = (mine["late"] - warmup) / (steps - warmup)
    batch = mine["batch"].values()
    losses = [-math.log(came.count(letter) / len(came)) for came in batch for letter in came]
    far, goal, lr = mine["weight"] - mine["goal"], mine["goal"], mine["lr"]
    (n, a), (m, b) = zip(mine["pieces"]["windows"], mine["pieces"]["losses"], strict=True)
    return {
        "in_all": mine["epochs"] * (mine["windows"] // mine["batch_size"]),
        "early_lr": 100 * (mine["early"] + 1) / warmup,
        "late_lr": 50 * (1 + math.cos(math.pi * p)),
        "floor": sum(losses) / len(losses),
        "two_steps": goal + far * (1 + 2 * lr) ** 2,
        "kept": goal + far * (1 - 6 * lr + 4 * lr**2),
        "whole": (n * a + m * b) / (n + m),
    }


@wrong("predictions", "same gradient twice")
def predicts_one_gradient(mine):
    warmup, steps = mine["warmup"], mine["steps"]
    p = (mine["late"] - warmup) / (steps - warmup)
    batch = mine["batch"].values()
    losses = [-math.log(came.count(letter) / len(came)) for came in batch for letter in came]
    far, goal, lr = mine["weight"] - mine["goal"], mine["goal"], mine["lr"]
    (n, a), (m, b) = zip(mine["pieces"]["windows"], mine["pieces"]["losses"], strict=True)
    return {
        "in_all": mine["epochs"] * (mine["windows"] // mine["batch_size"]),
        "early_lr": 100 * (mine["early"] + 1) / warmup,
        "late_lr": 50 * (1 + math.cos(math.pi * p)),
        "floor": sum(losses) / len(losses),
        "two_steps": goal + far * (1 - 4 * lr),
        "kept": goal + far * (1 - 6 * lr + 4 * lr**2),
        "whole": (n * a + m * b) / (n + m),
    }


@wrong("predictions", "mean of the means")
def predicts_a_mean_of_means(mine):
    warmup, steps = mine["warmup"], mine["steps"]
    p = (mine["late"] - warmup) / (steps - warmup)
    batch = mine["batch"].values()
    losses = [-math.log(came.count(letter) / len(came)) for came in batch for letter in came]
    far, goal, lr = mine["weight"] - mine["goal"], mine["goal"], mine["lr"]
    (n, a), (m, b) = zip(mine["pieces"]["windows"], mine["pieces"]["losses"], strict=True)
    return {
        "in_all": mine["epochs"] * (mine["windows"] // mine["batch_size"]),
        "early_lr": 100 * (mine["early"] + 1) / warmup,
        "late_lr": 50 * (1 + math.cos(math.pi * p)),
        "floor": sum(losses) / len(losses),
        "two_steps": goal + far * (1 - 2 * lr) ** 2,
        "kept": goal + far * (1 - 6 * lr + 4 * lr**2),
        "whole": (a + b) / 2,
    }


@wrong("predictions", "warm-up counted in")
def predicts_a_cosine_from_the_start(mine):
    warmup, steps = mine["warmup"], mine["steps"]
    batch = mine["batch"].values()
    losses = [-math.log(came.count(letter) / len(came)) for came in batch for letter in came]
    far, goal, lr = mine["weight"] - mine["goal"], mine["goal"], mine["lr"]
    (n, a), (m, b) = zip(mine["pieces"]["windows"], mine["pieces"]["losses"], strict=True)
    return {
        "in_all": mine["epochs"] * (mine["windows"] // mine["batch_size"]),
        "early_lr": 100 * (mine["early"] + 1) / warmup,
        "late_lr": 50 * (1 + math.cos(math.pi * mine["late"] / steps)),
        "floor": sum(losses) / len(losses),
        "two_steps": goal + far * (1 - 2 * lr) ** 2,
        "kept": goal + far * (1 - 6 * lr + 4 * lr**2),
        "whole": (n * a + m * b) / (n + m),
    }


@wrong("predictions", "epochs run together")
def predicts_no_rest(mine):
    warmup, steps = mine["warmup"], mine["steps"]
    p = (mine["late"] - warmup) / (steps - warmup)
    batch = mine["batch"].values()
    losses = [-math.log(came.count(letter) / len(came)) for came in batch for letter in came]
    far, goal, lr = mine["weight"] - mine["goal"], mine["goal"], mine["lr"]
    (n, a), (m, b) = zip(mine["pieces"]["windows"], mine["pieces"]["losses"], strict=True)
    return {
        "in_all": mine["epochs"] * mine["windows"] // mine["batch_size"],
        "early_lr": 100 * (mine["early"] + 1) / warmup,
        "late_lr": 50 * (1 + math.cos(math.pi * p)),
        "floor": sum(losses) / len(losses),
        "two_steps": goal + far * (1 - 2 * lr) ** 2,
        "kept": goal + far * (1 - 6 * lr + 4 * lr**2),
        "whole": (n * a + m * b) / (n + m),
    }


@wrong("predictions", "gradient reset")
def predicts_no_bug(mine):
    warmup, steps = mine["warmup"], mine["steps"]
    p = (mine["late"] - warmup) / (steps - warmup)
    batch = mine["batch"].values()
    losses = [-math.log(came.count(letter) / len(came)) for came in batch for letter in came]
    far, goal, lr = mine["weight"] - mine["goal"], mine["goal"], mine["lr"]
    (n, a), (m, b) = zip(mine["pieces"]["windows"], mine["pieces"]["losses"], strict=True)
    return {
        "in_all": mine["epochs"] * (mine["windows"] // mine["batch_size"]),
        "early_lr": 100 * (mine["early"] + 1) / warmup,
        "late_lr": 50 * (1 + math.cos(math.pi * p)),
        "floor": sum(losses) / len(losses),
        "two_steps": goal + far * (1 - 2 * lr) ** 2,
        "kept": goal + far * (1 - 2 * lr) ** 2,
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


@wrong("step", "hard-coded size")
def step_for_the_lesson(windows, targets, table, weight, lr):
    table, weight = table.clone().requires_grad_(), weight.clone().requires_grad_()
    loss = F.cross_entropy(table[windows].view(32, 80) @ weight, targets)
    loss.backward()
    return table - lr * table.grad, weight - lr * weight.grad, loss.item()


@wrong("step", "nothing moved")
def step_nowhere(windows, targets, table, weight, lr):
    loss = F.cross_entropy(table[windows].flatten(1) @ weight, targets)
    return table, weight, loss.item()


@wrong("step", "uphill")
def step_uphill(windows, targets, table, weight, lr):
    table, weight = table.clone().requires_grad_(), weight.clone().requires_grad_()
    loss = F.cross_entropy(table[windows].flatten(1) @ weight, targets)
    loss.backward()
    return table + lr * table.grad, weight + lr * weight.grad, loss.item()


@wrong("step", "gradients, not parameters")
def step_of_slopes(windows, targets, table, weight, lr):
    table, weight = table.clone().requires_grad_(), weight.clone().requires_grad_()
    loss = F.cross_entropy(table[windows].flatten(1) @ weight, targets)
    loss.backward()
    return table.grad, weight.grad, loss.item()


@wrong("step", "learning rate forgotten")
def step_of_one_gradient(windows, targets, table, weight, lr):
    table, weight = table.clone().requires_grad_(), weight.clone().requires_grad_()
    loss = F.cross_entropy(table[windows].flatten(1) @ weight, targets)
    loss.backward()
    return table - table.grad, weight - weight.grad, loss.item()


@wrong("step", "table not moved")
def step_of_the_weight(windows, targets, table, weight, lr):
    weight = weight.clone().requires_grad_()
    loss = F.cross_entropy(table[windows].flatten(1) @ weight, targets)
    loss.backward()
    return table, weight - lr * weight.grad, loss.item()


@wrong("step", "two steps")
def step_of_two_backward_passes(windows, targets, table, weight, lr):
    table, weight = table.clone().requires_grad_(), weight.clone().requires_grad_()
    loss = F.cross_entropy(table[windows].flatten(1) @ weight, targets)
    loss.backward(retain_graph=True)
    loss.backward()
    return table - lr * table.grad, weight - lr * weight.grad, loss.item()


@wrong("step", "gradient of the sum")
def step_on_the_sum(windows, targets, table, weight, lr):
    table, weight = table.clone().requires_grad_(), weight.clone().requires_grad_()
    loss = F.cross_entropy(table[windows].flatten(1) @ weight, targets, reduction="sum")
    loss.backward()
    return table - lr * table.grad, weight - lr * weight.grad, loss.item() / len(targets)


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


@wrong("schedule", "starts at zero")
def rate_that_starts_at_zero(step, steps, highest, warmup, fall):
    if step < warmup:
        return highest * step / warmup
    if step < steps - fall:
        return highest
    return highest * (steps - step) / fall


@wrong("schedule", "warm-up of no steps")
def rate_that_divides(step, steps, highest, warmup, fall):
    return highest * min(1, (step + 1) / warmup, (steps - step) / fall)


@wrong("schedule", "no warm-up")
def rate_without_warm_up(step, steps, highest, warmup, fall):
    return highest if step < steps - fall else highest * (steps - step) / fall


@wrong("schedule", "no fall")
def rate_without_fall(step, steps, highest, warmup, fall):
    return highest * (step + 1) / warmup if step < warmup else highest


@wrong("schedule", "always the highest")
def rate_that_stays(step, steps, highest, warmup, fall):
    return highest


@wrong("schedule", "cosine")
def rate_by_cosine(step, steps, highest, warmup, fall):
    if step < warmup:
        return highest * (step + 1) / warmup
    if step < steps - fall:
        return highest
    p = (step - (steps - fall)) / fall
    return highest * (1 + math.cos(math.pi * p)) / 2


@wrong("schedule", "rises at the end")
def rate_that_rises_again(step, steps, highest, warmup, fall):
    if step < warmup:
        return highest * (step + 1) / warmup
    if step < steps - fall:
        return highest
    return highest * (step - (steps - fall)) / fall


@wrong("schedule", "share instead of rate")
def rate_as_a_share(step, steps, highest, warmup, fall):
    if step < warmup:
        return (step + 1) / warmup
    if step < steps - fall:
        return 1.0
    return (steps - step) / fall


@wrong("schedule", "no plateau")
def rate_without_plateau(step, steps, highest, warmup, fall):
    if step < warmup:
        return highest * (step + 1) / warmup
    return highest * (steps - step) / (steps - warmup)


@wrong("schedule", "falls after `fall` steps")
def rate_that_falls_too_soon(step, steps, highest, warmup, fall):
    if step < warmup:
        return highest * (step + 1) / warmup
    if step < fall:
        return highest
    return highest * (steps - step) / (steps - fall)


@wrong("schedule", "rounded down")
def rate_in_whole_numbers(step, steps, highest, warmup, fall):
    if step < warmup:
        return highest * ((step + 1) // warmup)
    if step < steps - fall:
        return highest
    return highest * ((steps - step) // fall)


@wrong("schedule", "highest too late")
def rate_that_reaches_the_top_late(step, steps, highest, warmup, fall):
    if step < warmup:
        return highest * (step + 1) / (warmup + 1)
    if step < steps - fall:
        return highest
    return highest * (steps - step) / fall


@wrong("schedule", "last step does nothing")
def rate_that_ends_at_zero(step, steps, highest, warmup, fall):
    if step < warmup:
        return highest * (step + 1) / warmup
    if step < steps - fall:
        return highest
    return highest * (steps - 1 - step) / (fall - 1)


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


@wrong("mended", "not done")
def train_as_given(windows, targets, table, weight, lr, steps):
    parameters, losses = [table.clone().requires_grad_(), weight.clone().requires_grad_()], []
    for _ in range(steps):
        loss = F.cross_entropy(parameters[0][windows].flatten(1) @ parameters[1], targets)
        loss.backward()
        with torch.no_grad():
            for p in parameters:
                p -= lr * p.grad
        losses.append(loss.item())
    return parameters[0].detach(), parameters[1].detach(), losses


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


@wrong("mended", "parameters set to zero")
def train_with_parameters_zeroed(windows, targets, table, weight, lr, steps):
    parameters, losses = [table.clone().requires_grad_(), weight.clone().requires_grad_()], []
    for _ in range(steps):
        loss = F.cross_entropy(parameters[0][windows].flatten(1) @ parameters[1], targets)
        loss.backward()
        with torch.no_grad():
            for p in parameters:
                p -= lr * p.grad
                p.zero_()
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


@wrong("mended", "uphill")
def train_uphill(windows, targets, table, weight, lr, steps):
    parameters, losses = [table.clone().requires_grad_(), weight.clone().requires_grad_()], []
    for _ in range(steps):
        loss = F.cross_entropy(parameters[0][windows].flatten(1) @ parameters[1], targets)
        loss.backward()
        with torch.no_grad():
            for p in parameters:
                p += lr * p.grad
                p.grad = None
        losses.append(loss.item())
    return parameters[0].detach(), parameters[1].detach(), losses


@wrong("mended", "smaller steps instead")
def train_with_a_tenth_of_the_rate(windows, targets, table, weight, lr, steps):
    parameters, losses = [table.clone().requires_grad_(), weight.clone().requires_grad_()], []
    for _ in range(steps):
        loss = F.cross_entropy(parameters[0][windows].flatten(1) @ parameters[1], targets)
        loss.backward()
        with torch.no_grad():
            for p in parameters:
                p -= lr / 10 * p.grad
        losses.append(loss.item())
    return parameters[0].detach(), parameters[1].detach(), losses


@wrong("mended", "momentum instead")
def train_with_fading_gradients(windows, targets, table, weight, lr, steps):
    parameters, losses = [table.clone().requires_grad_(), weight.clone().requires_grad_()], []
    for _ in range(steps):
        loss = F.cross_entropy(parameters[0][windows].flatten(1) @ parameters[1], targets)
        loss.backward()
        with torch.no_grad():
            for p in parameters:
                p -= lr * p.grad
                p.grad *= 0.5
        losses.append(loss.item())
    return parameters[0].detach(), parameters[1].detach(), losses


@wrong("mended", "same gradient in every step")
def train_with_one_gradient(windows, targets, table, weight, lr, steps):
    parameters, losses = [table.clone().requires_grad_(), weight.clone().requires_grad_()], []
    F.cross_entropy(parameters[0][windows].flatten(1) @ parameters[1], targets).backward()
    for _ in range(steps):
        with torch.no_grad():
            losses.append(F.cross_entropy(parameters[0][windows].flatten(1) @ parameters[1], targets).item())
            for p in parameters:
                p -= lr * p.grad
    return parameters[0].detach(), parameters[1].detach(), losses


@wrong("mended", "table not set back")
def train_with_the_last_parameter_reset(windows, targets, table, weight, lr, steps):
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


@wrong("evaluate", "mean of the means")
def evaluated_as_a_mean_of_means(net, X, Y, piece):
    training, losses = net.training, []
    net.eval()
    with torch.no_grad():
        for x, y in zip(X.split(piece), Y.split(piece), strict=True):
            losses.append(F.cross_entropy(net(x), y).item())
    net.train(training)
    return sum(losses) / len(losses)


@wrong("evaluate", "everything at once")
def evaluated_at_once(net, X, Y, piece):
    training = net.training
    net.eval()
    with torch.no_grad():
        loss = F.cross_entropy(net(X), Y).item()
    net.train(training)
    return loss


@wrong("evaluate", "one window at a time")
def evaluated_one_by_one(net, X, Y, piece):
    training, total = net.training, 0
    net.eval()
    with torch.no_grad():
        for i in range(len(X)):
            total += F.cross_entropy(net(X[i : i + 1]), Y[i : i + 1]).item()
    net.train(training)
    return total / len(X)


@wrong("evaluate", "summed, not averaged")
def evaluated_as_a_sum(net, X, Y, piece):
    training, total = net.training, 0
    net.eval()
    with torch.no_grad():
        for x, y in zip(X.split(piece), Y.split(piece), strict=True):
            total += F.cross_entropy(net(x), y, reduction="sum").item()
    net.train(training)
    return total


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


@wrong("evaluate", "last piece only")
def evaluated_last(net, X, Y, piece):
    training = net.training
    net.eval()
    with torch.no_grad():
        for x, y in zip(X.split(piece), Y.split(piece), strict=True):
            loss = F.cross_entropy(net(x), y).item()
    net.train(training)
    return loss


@wrong("evaluate", "last piece left out")
def evaluated_in_full_pieces(net, X, Y, piece):
    training, total = net.training, 0
    net.eval()
    with torch.no_grad():
        for i in range(len(X) // piece):
            part = slice(i * piece, (i + 1) * piece)
            total += F.cross_entropy(net(X[part]), Y[part], reduction="sum").item()
    net.train(training)
    return total / len(Y)


@wrong("evaluate", "means divided by the windows")
def evaluated_twice_averaged(net, X, Y, piece):
    training, total = net.training, 0
    net.eval()
    with torch.no_grad():
        for x, y in zip(X.split(piece), Y.split(piece), strict=True):
            total += F.cross_entropy(net(x), y).item()
    net.train(training)
    return total / len(Y)


@wrong("evaluate", "train mode")
def evaluated_in_a_hurry(net, X, Y, piece):
    losses = []
    for x, y in zip(X.split(piece), Y.split(piece), strict=True):
        losses.append(F.cross_entropy(net(x), y).item())
    return sum(losses) / len(losses)


@wrong("evaluate", "train mode")
def evaluated_in_train_mode(net, X, Y, piece):
    total = 0.0
    with torch.no_grad():
        for x, y in zip(X.split(piece), Y.split(piece), strict=True):
            total += F.cross_entropy(net(x), y, reduction="sum").item()
    return total / len(Y)


@wrong("evaluate", "gradients recorded")
def evaluated_with_gradients(net, X, Y, piece):
    training, total = net.training, 0.0
    net.eval()
    for x, y in zip(X.split(piece), Y.split(piece), strict=True):
        total += F.cross_entropy(net(x), y, reduction="sum").item()
    net.train(training)
    return total / len(Y)


@wrong("evaluate", "always back to train mode")
def evaluated_and_back_to_training(net, X, Y, piece):
    total = 0.0
    net.eval()
    with torch.no_grad():
        for x, y in zip(X.split(piece), Y.split(piece), strict=True):
            total += F.cross_entropy(net(x), y, reduction="sum").item()
    net.train()
    return total / len(Y)


@wrong("evaluate", "mode not restored")
def evaluated_and_left(net, X, Y, piece):
    total = 0.0
    net.eval()
    with torch.no_grad():
        for x, y in zip(X.split(piece), Y.split(piece), strict=True):
            total += F.cross_entropy(net(x), y, reduction="sum").item()
    return total / len(Y)
