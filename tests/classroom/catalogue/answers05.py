"""Answers to assignment 05."""

import copy
import math

import torch
import torch.nn.functional as F
from torch import nn

from tests.classroom.catalogue.catalogue import Catalogue

ANSWERS = Catalogue("a05")
right, wrong = ANSWERS.right, ANSWERS.wrong


# predictions


@right("predictions")
def predicted(mine):
    row, other = mine["powers"]
    place = ".aeil".index(mine["letter"])
    hot = [power ** (1 / mine["temperature"]) for power in row]
    best = sorted(row)[-2:]
    ends, total = [], 0
    for power in row:
        total += power / sum(row)
        ends.append(total)
    return {
        "row": row[place] / sum(row),
        "column": row[place] / (row[place] + other[place]),
        "heated": hot[place] / sum(hot),
        "top_2": best[1] / sum(best),
        "drawn": ".aeil"[sum(end <= mine["u"] for end in ends)],
        "log_prob": sum(math.log(p) for p in mine["chain"]),
    }


@right("predictions")
def predicted_by_torch(mine):
    logits = torch.tensor(mine["powers"]).float().log()
    place = ".aeil".find(mine["letter"])
    rows, kept = F.softmax(logits, dim=1), logits[0].topk(2).values
    return {
        "row": rows[0, place],
        "column": F.softmax(logits, dim=0)[0, place],
        "heated": F.softmax(logits / mine["temperature"], dim=1)[0, place],
        "top_2": F.softmax(kept, dim=0)[0],
        "drawn": ".aeil"[int((rows[0].cumsum(0) <= mine["u"]).sum())],
        "log_prob": torch.tensor(mine["chain"]).log().sum(),
    }


@right("predictions")
def predicted_to_two_decimals(mine):
    (row, other), t = mine["powers"], mine["temperature"]
    by_letter = dict(zip(".aeil", row, strict=True))
    power, dart = by_letter[mine["letter"]], mine["u"] * sum(row)
    for letter in ".aeil":
        dart -= by_letter[letter]
        if dart < 0:
            break
    first, second, *_ = sorted(row, reverse=True)
    return {
        "row": round(power / sum(row), 2),
        "column": round(power / (power + other[".aeil".index(mine["letter"])]), 2),
        "heated": round(power ** (1 / t) / sum(p ** (1 / t) for p in row), 2),
        "top_2": round(first / (first + second), 2),
        "drawn": letter.upper(),
        "log_prob": round(math.log(math.prod(mine["chain"])), 2),
    }


@wrong("predictions", "softmax over everything")
def predicts_one_sum(mine):
    row, other = mine["powers"]
    place = ".aeil".index(mine["letter"])
    hot = [power ** (1 / mine["temperature"]) for power in row]
    best = sorted(row)[-2:]
    drawn = sum(end <= mine["u"] * sum(row) for end in torch.tensor(row).cumsum(0))
    return {
        "row": row[place] / (sum(row) + sum(other)),
        "column": row[place] / (row[place] + other[place]),
        "heated": hot[place] / sum(hot),
        "top_2": best[1] / sum(best),
        "drawn": ".aeil"[drawn],
        "log_prob": sum(math.log(p) for p in mine["chain"]),
    }


# softmax


@right("softmax")
def softmax_shifted(logits):
    shifted = logits - logits.max(dim=-1, keepdim=True).values
    exponentials = shifted.exp()
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


@right("softmax")
def softmax_by_logsumexp(logits):
    return torch.exp(logits - torch.logsumexp(logits, dim=-1, keepdim=True))


@right("softmax")
def softmax_row_by_row(logits):
    rows = []
    for row in logits.reshape(-1, logits.shape[-1]):
        powers = torch.pow(math.e, row.double() - row.double().max())
        rows.append(powers / powers.sum())
    return torch.stack(rows).float().view(logits.shape)


@wrong("softmax", "torch's softmax")
def softmax_of_torch(logits):
    return torch.softmax(logits, dim=-1)


@wrong("softmax", "returned its input")
def softmax_of_nothing(logits):
    return logits


@wrong("softmax", "all zeros")
def softmax_of_zeros(logits):
    return torch.zeros_like(logits)


@wrong("softmax", "changed its input")
def softmax_in_place(logits):
    logits -= logits.max(dim=-1, keepdim=True).values
    return logits.exp() / logits.exp().sum(dim=-1, keepdim=True)


@wrong("softmax", "error")
def softmax_of_27(logits):
    exponentials = (logits.reshape(-1, 27) - logits.reshape(-1, 27).amax(1, keepdim=True)).exp()
    return (exponentials / exponentials.sum(1, keepdim=True)).view(logits.shape)


@wrong("softmax", "softmax over dim 0")
def softmax_down_the_columns(logits):
    exponentials = (logits - logits.amax(0)).exp()
    return exponentials / exponentials.sum(0)


@wrong("softmax", "log-probabilities")
def softmax_with_log(logits):
    return logits - torch.logsumexp(logits, dim=-1, keepdim=True)


@wrong("softmax", "softmax over dim 1")
def softmax_over_dim_one(logits):
    exponentials = (logits - logits.amax(1, keepdim=True)).exp()
    return exponentials / exponentials.sum(1, keepdim=True)


@wrong("softmax", "overflow")
def softmax_by_the_formula(logits):
    exponentials = logits.exp()
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


@wrong("softmax", "first subtracted")
def softmax_less_the_first(logits):
    exponentials = (logits - logits[..., :1]).exp()
    return exponentials / exponentials.sum(-1, keepdim=True)


@wrong("softmax", "mean subtracted")
def softmax_less_the_mean(logits):
    exponentials = (logits - logits.mean(-1, keepdim=True)).exp()
    return exponentials / exponentials.sum(-1, keepdim=True)


@wrong("softmax", "smallest subtracted")
def softmax_less_the_smallest(logits):
    exponentials = (logits - logits.amin(-1, keepdim=True)).exp()
    return exponentials / exponentials.sum(-1, keepdim=True)


@wrong("softmax", "effect that stays")
def softmax_in_double(logits):
    torch.set_default_dtype(torch.float64)
    shifted = logits - logits.amax(-1, keepdim=True)
    return shifted.exp() / shifted.exp().sum(-1, keepdim=True)


# dials: temperature and top-k


@right("dials")
def dials_by_scatter(logits, temperature, k):
    kept = logits.topk(k, dim=1)
    cut = torch.full_like(logits, -math.inf).scatter(1, kept.indices, kept.values)
    return F.softmax(cut / temperature, dim=1)


@right("dials")
def dials_by_threshold(logits, temperature, k):
    least = logits.sort(dim=1, descending=True).values[:, k - 1 : k]
    powers = ((logits - logits.amax(1, keepdim=True)) / temperature).exp() * (logits >= least)
    return powers / powers.sum(1, keepdim=True)


@right("dials")
def dials_row_by_row(logits, temperature, k):
    probs = torch.zeros_like(logits)
    for i, row in enumerate(logits):
        places = row.argsort()[-k:]
        probs[i, places] = torch.softmax(row[places] / temperature, dim=0)
    return probs


@wrong("dials", "top-k over dim 0")
def dials_down_the_columns(logits, temperature, k):
    least = logits.sort(0, descending=True).values[min(k, len(logits)) - 1]
    return torch.where(logits < least, -float("inf"), logits / temperature).softmax(1)


@wrong("dials", "no softmax")
def dials_without_softmax(logits, temperature, k):
    least = logits.topk(k, dim=1).values[:, -1:]
    return torch.where(logits < least, -float("inf"), logits / temperature)


@wrong("dials", "sorted")
def dials_in_order(logits, temperature, k):
    logits = logits.sort(dim=1, descending=True).values / temperature
    logits[:, k:] = -math.inf
    return F.softmax(logits, dim=1)


@wrong("dials", "changed its input")
def dials_in_place(logits, temperature, k):
    least = logits.topk(k, dim=1).values[:, -1:]
    logits[logits < least] = -math.inf
    return F.softmax(logits / temperature, dim=1)


@wrong("dials", "all zeros")
def dials_at_zero(logits, temperature, k):
    return torch.zeros_like(logits)


@wrong("dials", "not renormalised")
def dials_that_lose_probability(logits, temperature, k):
    probs = F.softmax(logits / temperature, dim=1)
    least = probs.topk(k, dim=1).values[:, -1:]
    return torch.where(probs >= least, probs, 0.0)


# draw: one letter for each row


@right("draw")
def draw_by_counting(probs, u):
    return (probs.cumsum(dim=1) <= u.unsqueeze(1)).sum(dim=1)


@right("draw")
def draw_by_searching(probs, u):
    return torch.searchsorted(probs.cumsum(1), u[:, None].contiguous(), right=True).squeeze(1)


@right("draw")
def draw_row_by_row(probs, u):
    ids = []
    for row, dart in zip(probs, u, strict=True):
        total, index = row[0], 0
        while total <= dart:
            index += 1
            total = total + row[index]
        ids.append(index)
    return torch.tensor(ids)


@right("draw")
def draw_by_first_true(probs, u):
    return (probs.cumsum(1) > u.view(-1, 1)).int().argmax(dim=1)


@wrong("draw", "one place too late")
def draw_from_one(probs, u):
    return torch.searchsorted(probs.cumsum(1), u[:, None], right=True).squeeze(1) + 1


@wrong("draw", "random numbers of its own")
def draw_by_multinomial(probs, u):
    return torch.multinomial(probs, 1).squeeze(1)


@wrong("draw", "argmax")
def draw_the_likeliest(probs, u):
    return probs.argmax(dim=1)


@wrong("draw", "item() for a batch")
def draw_one_number(probs, u):
    return (probs.cumsum(1) <= u[:, None]).sum(1).item()


@wrong("draw", "error")
def draw_among_27(probs, u):
    ids = torch.zeros(len(probs), dtype=torch.int64)
    ends = probs.cumsum(1)
    for i in range(27):
        ids += ends[:, i] <= u
    return ids


@wrong("draw", "wrong dtype")
def draw_floats(probs, u):
    return (probs.cumsum(1) <= u[:, None]).float().sum(1)


@wrong("draw", "not a tensor")
def draw_a_list(probs, u):
    return (probs.cumsum(1) <= u[:, None]).sum(1).tolist()


@wrong("draw", "edge to the left")
def draw_at_least(probs, u):
    return (probs.cumsum(1) < u[:, None]).sum(1)


# mended: names sampled in train mode


@right("mended")
def sample_in_eval_mode(net, u, context):
    net.eval()
    window, drawn = torch.zeros(u.shape[1], context, dtype=torch.int64), []
    with torch.no_grad():
        for darts in u:
            probs = F.softmax(net(window), dim=1)
            ids = (probs.cumsum(dim=1) <= darts[:, None]).sum(dim=1)
            drawn.append(ids)
            window = torch.cat([window[:, 1:], ids[:, None]], dim=1)
    return torch.stack(drawn, dim=1)


@right("mended")
def sample_and_put_the_mode_back(net, u, context):
    was_training = net.training
    window, drawn = torch.zeros(u.shape[1], context, dtype=torch.int64), []
    for darts in u:
        net.train(False)
        probs = F.softmax(net(window), dim=1).detach()
        net.train(was_training)
        ids = (probs.cumsum(dim=1) <= darts[:, None]).sum(dim=1)
        drawn.append(ids)
        window = torch.cat([window[:, 1:], ids[:, None]], dim=1)
    return torch.stack(drawn, dim=1)


@right("mended")
def sample_with_a_copy(net, u, context):
    quiet = copy.deepcopy(net).eval()
    ids = torch.zeros(u.shape[1], context, dtype=torch.int64)
    with torch.inference_mode():
        for darts in u:
            probs = quiet(ids[:, -context:]).softmax(1)
            ids = torch.cat([ids, torch.searchsorted(probs.cumsum(1), darts[:, None], right=True)], dim=1)
    return ids[:, context:]


@right("mended")
def sample_one_name_at_a_time(net, u, context):
    for module in net.modules():
        module.training = False
    names = []
    for column in u.T:
        window = [0] * context
        for dart in column:
            ends = F.softmax(net(torch.tensor([window[-context:]])), dim=1)[0].cumsum(0)
            window.append(int((ends <= dart).sum()))
        names.append(window[context:])
    return torch.tensor(names)


@wrong("mended", "statistics held still")
def sample_without_momentum(net, u, context):
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = 0.0
    window, drawn = torch.zeros(u.shape[1], context, dtype=torch.int64), []
    with torch.no_grad():
        for darts in u:
            ids = (net(window).softmax(1).cumsum(dim=1) <= darts[:, None]).sum(dim=1)
            drawn.append(ids)
            window = torch.cat([window[:, 1:], ids[:, None]], dim=1)
    return torch.stack(drawn, dim=1)


@wrong("mended", "one name at a time")
def sample_alone_in_train_mode(net, u, context):
    names = []
    for column in u.T:
        window = [0] * context
        for dart in column:
            ends = F.softmax(net(torch.tensor([window[-context:]])), dim=1)[0].cumsum(0)
            window.append(int((ends <= dart).sum()))
        names.append(window[context:])
    return torch.tensor(names)


@wrong("mended", "error")
def sample_with_a_window_of_eight(net, u, context):
    net.eval()
    window, drawn = torch.zeros(u.shape[1], 8, dtype=torch.int64), []
    with torch.no_grad():
        for darts in u:
            probs = F.softmax(net(window), dim=1)
            ids = (probs.cumsum(dim=1) <= darts[:, None]).sum(dim=1)
            drawn.append(ids)
            window = torch.cat([window[:, 1:], ids[:, None]], dim=1)
    return torch.stack(drawn, dim=1)


@wrong("mended", "statistics thrown away")
def sample_with_statistics_reset(net, u, context):
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.reset_running_stats()
    net.eval()
    window, drawn = torch.zeros(u.shape[1], context, dtype=torch.int64), []
    with torch.no_grad():
        for darts in u:
            probs = F.softmax(net(window), dim=1)
            ids = (probs.cumsum(dim=1) <= darts[:, None]).sum(dim=1)
            drawn.append(ids)
            window = torch.cat([window[:, 1:], ids[:, None]], dim=1)
    return torch.stack(drawn, dim=1)


@wrong("mended", "switched too late")
def sample_and_then_eval(net, u, context):
    window, drawn = torch.zeros(u.shape[1], context, dtype=torch.int64), []
    with torch.no_grad():
        for darts in u:
            probs = F.softmax(net(window), dim=1)
            net.eval()
            ids = (probs.cumsum(dim=1) <= darts[:, None]).sum(dim=1)
            drawn.append(ids)
            window = torch.cat([window[:, 1:], ids[:, None]], dim=1)
    return torch.stack(drawn, dim=1)


@wrong("mended", "a norm overlooked")
def sample_with_one_norm_in_eval_mode(net, u, context):
    net[3].eval()
    window, drawn = torch.zeros(u.shape[1], context, dtype=torch.int64), []
    with torch.no_grad():
        for darts in u:
            ids = (net(window).softmax(1).cumsum(dim=1) <= darts[:, None]).sum(dim=1)
            drawn.append(ids)
            window = torch.cat([window[:, 1:], ids[:, None]], dim=1)
    return torch.stack(drawn, dim=1)


@wrong("mended", "effect that stays")
def sample_and_freeze(net, u, context):
    net.eval().requires_grad_(False)
    window, drawn = torch.zeros(u.shape[1], context, dtype=torch.int64), []
    for darts in u:
        ids = (net(window).softmax(1).cumsum(dim=1) <= darts[:, None]).sum(dim=1)
        drawn.append(ids)
        window = torch.cat([window[:, 1:], ids[:, None]], dim=1)
    return torch.stack(drawn, dim=1)


# log_prob: the exact probability of a name


@right("log_prob")
def log_prob_step_by_step(net, name, context):
    window, total = [0] * context, 0.0
    for letter in [*name, 0]:
        log_probs = F.log_softmax(net(torch.tensor([window])), dim=1)
        total += log_probs[0, letter].item()
        window = window[1:] + [letter]
    return total


@right("log_prob")
@torch.no_grad()
def log_prob_in_one_batch(net, name, context):
    padded = torch.tensor([0] * context + name)
    X = padded.unfold(0, context, 1)
    Y = torch.tensor([*name, 0])
    return -F.cross_entropy(net(X), Y, reduction="sum")


@right("log_prob")
def log_prob_by_gather(net, name, context):
    rows = [([0] * context + name)[i : i + context] for i in range(len(name) + 1)]
    with torch.inference_mode():
        logs = net(torch.tensor(rows)).log_softmax(-1)
    return logs.gather(1, torch.tensor([*name, 0])[:, None]).sum().item()


@wrong("log_prob", "underflow", hidden=True)
def log_prob_of_a_product(net, name, context):
    window, product = torch.zeros(1, context, dtype=torch.int64), 1.0
    for letter in name + [0]:
        product *= net(window).softmax(1)[0, letter].double().item()
        window = torch.cat([window[:, 1:], torch.tensor([[letter]])], dim=1)
    return math.log(product)


@wrong("log_prob", "logarithm to the base 10")
def log_prob_of_base_10(net, name, context):
    total, window = 0.0, [0] * context
    for number in [*name, 0]:
        total += net(torch.tensor([window])).softmax(1)[0, number].log10().item()
        window = [*window[1:], number]
    return total


@wrong("log_prob", "target inside the window")
def log_prob_of_what_is_seen(net, name, context):
    window, total = [0] * context, 0.0
    for letter in [*name, 0]:
        window = window[1:] + [letter]
        total += F.log_softmax(net(torch.tensor([window])), dim=1)[0, letter].item()
    return total


@wrong("log_prob", "window of another size")
def log_prob_of_whole_beginnings(net, name, context):
    total = 0.0
    for i, letter in enumerate([*name, 0]):
        total += F.log_softmax(net(torch.tensor([[0, *name[:i]]])), dim=1)[0, letter].item()
    return total


@wrong("log_prob", "window of another size")
def log_prob_with_a_window_of_eight(net, name, context):
    padded, Y = [0] * 8 + name, torch.tensor([*name, 0])
    X = torch.tensor([padded[i : i + 8] for i in range(len(Y))])
    return -F.cross_entropy(net(X), Y, reduction="sum").item()


@wrong("log_prob", "changed its input")
def log_prob_that_pads_the_name(net, name, context):
    name.append(0)
    window, total = [0] * context, 0.0
    for letter in name:
        total += F.log_softmax(net(torch.tensor([window])), dim=1)[0, letter].item()
        window = window[1:] + [letter]
    return total


@wrong("log_prob", "first letter forgotten")
def log_prob_from_the_second_letter(net, name, context):
    window, total = [0] * (context - 1) + name[:1], 0.0
    for letter in [*name[1:], 0]:
        total += F.log_softmax(net(torch.tensor([window])), dim=1)[0, letter].item()
        window = window[1:] + [letter]
    return total


@wrong("log_prob", "stop mark forgotten")
def log_prob_without_an_end(net, name, context):
    window, total = [0] * context, 0.0
    for letter in name:
        total += F.log_softmax(net(torch.tensor([window])), dim=1)[0, letter].item()
        window = window[1:] + [letter]
    return total
