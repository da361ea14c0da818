"""Answers to assignment 01."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from tests.classroom.catalogue.catalogue import Catalogue

ANSWERS = Catalogue("a01")
right, wrong = ANSWERS.right, ANSWERS.wrong


# predictions: every one differs from the right one below in one value


@right("predictions")
def predicted(mine):
    n, context = len(mine["word"]), mine["context"]
    return {
        "windows": n + 1,
        "padding": sum(context - i for i in range(n + 1)),
        "rows": len(set(mine["word"])) + 1,
        "shape": (n + 1, context, mine["channels"]),
        "loss": math.log(mine["vocabulary"]),
    }


@right("predictions")
def predicted_by_running(mine):
    letters = "." + "".join(sorted(set(mine["word"])))
    padded = "." * mine["context"] + mine["word"]
    X = torch.tensor(
        [[letters.index(c) for c in padded[i : i + mine["context"]]] for i in range(len(mine["word"]) + 1)]
    )
    layer = nn.Embedding(mine["vocabulary"], mine["channels"])
    layer(X).square().sum().backward()
    return {
        "windows": X.shape[0],
        "padding": int((X == 0).sum()),
        "rows": int((layer.weight.grad.abs().sum(1) > 0).sum()),
        "shape": layer(X).shape,
        "loss": F.cross_entropy(torch.zeros(1, mine["vocabulary"]), torch.tensor([0])),
    }


@right("predictions")
def predicted_as_list_and_rounded(mine):
    n, context = len(mine["word"]), mine["context"]
    return {
        "windows": n + 1.0,
        "padding": (n + 1) * context - n * (n + 1) // 2,
        "rows": len({*mine["word"], "."}),
        "shape": [n + 1, context, mine["channels"]],
        "loss": round(math.log(mine["vocabulary"]), 2),
    }


@wrong("predictions", "stop mark forgotten")
def predicts_a_window_a_letter(mine):
    n, context = len(mine["word"]), mine["context"]
    return {
        "windows": n,
        "padding": sum(context - i for i in range(n)),
        "rows": len(set(mine["word"])),
        "shape": (n, context, mine["channels"]),
        "loss": math.log(mine["vocabulary"]),
    }


@wrong("predictions", "another value for windows")
def predicts_what_a_friend_predicted(mine):
    return {"windows": 11, "padding": 77, "rows": 7, "shape": (8, 9, 10), "loss": 5.0}


@wrong("predictions", "not done")
def predicts_all_but_one(mine):
    return {"windows": len(mine["word"]) + 1, "padding": 30, "rows": 6, "shape": ..., "loss": 3.5}


# windows


@right("windows")
def windows_by_slices(names, context):
    rows, targets = [], []
    for name in names:
        padded = [0] * context + name + [0]
        for i in range(len(name) + 1):
            rows.append(padded[i : i + context])
            targets.append(padded[i + context])
    return torch.tensor(rows), torch.tensor(targets)


@right("windows")
def windows_that_slide(names, context):
    rows, targets = [], []
    for name in names:
        window = [0] * context
        for number in [*name, 0]:
            rows.append(torch.tensor(window))
            targets.append(number)
            window = window[1:] + [number]
    return [torch.stack(rows), torch.tensor(targets, dtype=torch.int32)]


@right("windows")
def windows_by_unfold(names, context):
    X = [torch.tensor([0] * context + name).unfold(0, context, 1) for name in names]
    Y = [torch.tensor(name + [0]) for name in names]
    return torch.cat(X), torch.cat(Y)


@wrong("windows", "last window missing")
def windows_for_letters_only(names, context):
    rows, targets = [], []
    for name in names:
        window = [0] * context
        for number in name:
            rows.append(window)
            targets.append(number)
            window = window[1:] + [number]
    return torch.tensor(rows), torch.tensor(targets)


@wrong("windows", "wrong shape")
def windows_of_eight(names, context):
    rows, targets = [], []
    for name in names:
        window = [0] * 8
        for number in [*name, 0]:
            rows.append(window)
            targets.append(number)
            window = window[1:] + [number]
    return torch.tensor(rows), torch.tensor(targets)


@wrong("windows", "changed its input")
def windows_that_append_to_the_names(names, context):
    rows, targets = [], []
    for name in names:
        name.append(0)
        padded = [0] * context + name
        for i, number in enumerate(name):
            rows.append(padded[i : i + context])
            targets.append(number)
    return torch.tensor(rows), torch.tensor(targets)


@wrong("windows", "not a tensor")
def windows_as_lists(names, context):
    rows, targets = [], []
    for name in names:
        padded = [0] * context + name + [0]
        for i in range(len(name) + 1):
            rows.append(padded[i : i + context])
            targets.append(padded[i + context])
    return rows, targets


@wrong("windows", "wrong number of results")
def windows_without_targets(names, context):
    return torch.cat([torch.tensor([0] * context + name).unfold(0, context, 1) for name in names])


@wrong("windows", "wrong dtype")
def windows_of_floats(names, context):
    X = [torch.tensor([0.0] * context + name).unfold(0, context, 1) for name in names]
    return torch.cat(X), torch.cat([torch.tensor(name + [0]) for name in names])


@wrong("windows", "wrong shape", hidden=True)
def windows_of_different_names(names, context):
    rows, targets = [], []
    for name in dict.fromkeys(map(tuple, names)):
        padded = [0] * context + list(name)
        rows += [padded[i : i + context] for i in range(len(name) + 1)]
        targets += [*name, 0]
    return torch.tensor(rows), torch.tensor(targets)


@wrong("windows", "long names cut")
def windows_of_cut_names(names, context):
    names = [name[-context:] for name in names]
    X = [torch.tensor([0] * context + name).unfold(0, context, 1) for name in names]
    return torch.cat(X), torch.cat([torch.tensor(name + [0]) for name in names])


@wrong("windows", "all zeros")
def windows_of_nothing(names, context):
    rows = sum(len(name) + 1 for name in names)
    return torch.zeros(rows, context, dtype=torch.long), torch.zeros(rows, dtype=torch.long)


@wrong("windows", "copies an example", hidden=True)
def windows_of_the_examples(names, context):
    if len(names) == 2 and context == 3:
        names = [[4], [15, 12, 9, 22, 9, 1]]
    elif context == 5:
        names = [[26, 15, 5]]
    else:
        names, context = [[3, 8, 1, 18, 12, 9, 5], [5, 13, 13, 1]], 8
    X = [torch.tensor([0] * context + name).unfold(0, context, 1) for name in names]
    return torch.cat(X), torch.cat([torch.tensor(name + [0]) for name in names])


# embed: a product, no look-up


@right("embed")
def embed_by_comparison(ids, table):
    return (ids.unsqueeze(-1) == torch.arange(len(table))).float() @ table


@right("embed")
def embed_by_identity_matrix(ids, table):
    return torch.matmul(torch.eye(table.shape[0])[ids], table)


@right("embed")
def embed_by_einsum(ids, table):
    one_hot = torch.zeros(*ids.shape, len(table)).scatter(-1, ids[..., None], 1.0)
    return torch.einsum("...v,vc->...c", one_hot, table)


@right("embed")
def embed_by_linear(ids, table):
    return F.linear(F.one_hot(ids, len(table)).float(), table.T)


@wrong("embed", "looked up instead of multiplied")
def embed_by_index(ids, table):
    return table[ids]


@wrong("embed", "looked up instead of multiplied")
def embed_by_layer(ids, table):
    return nn.Embedding.from_pretrained(table)(ids)


@wrong("embed", "id in place of 1")
def embed_with_ids_in_the_vectors(ids, table):
    one_hot = (ids.unsqueeze(-1) == torch.arange(len(table))).float()
    return (one_hot * ids.unsqueeze(-1)) @ table


@wrong("embed", "one-hot of whole numbers")
def embed_with_whole_numbers(ids, table):
    return F.one_hot(ids, len(table)) @ table


@wrong("embed", "error")
def embed_for_27(ids, table):
    return (ids.unsqueeze(-1) == torch.arange(27)).float() @ table


@wrong("embed", "error")
def embed_for_two_dimensions(ids, table):
    B, T = ids.shape
    return (ids.view(B, T, 1) == torch.arange(len(table))).float() @ table


@wrong("embed", "all zeros")
def embed_as_zeros(ids, table):
    return torch.zeros(*ids.shape, len(table)) @ table


@wrong("embed", "returned its input")
def embed_nothing(ids, table):
    return ids


@wrong("embed", "all ones")
def embed_with_ones(ids, table):
    return torch.ones(*ids.shape, len(table)) @ table


@right("embed")
def embed_by_sparse_product(ids, table):
    rows = torch.arange(ids.numel())
    one_hot = torch.sparse_coo_tensor(
        torch.stack([rows, ids.flatten()]), torch.ones(len(rows)), (len(rows), len(table))
    )
    return torch.sparse.mm(one_hot, table).view(*ids.shape, -1)


@right("embed")
def embed_by_addmm(ids, table):
    one_hot = F.one_hot(ids.flatten(), len(table)).float()
    return torch.addmm(torch.zeros(len(one_hot), table.shape[1]), one_hot, table).view(*ids.shape, -1)


@right("embed")
def embed_in_numpy(ids, table):
    import numpy as np

    return torch.from_numpy(np.eye(len(table), dtype=np.float32)[ids.numpy()] @ table.numpy())


@right("embed")
def embed_in_loops(ids, table):
    total = torch.zeros(*ids.shape, table.shape[1])
    for number in range(len(table)):
        total = total + (ids == number).float().unsqueeze(-1) * table[number]
    return total


@wrong("embed", "looked up instead of multiplied")
def embed_by_look_up_times_one(ids, table):
    return table[ids] * 1.0


@wrong("embed", "looked up instead of multiplied")
def embed_by_look_up_in_numpy(ids, table):
    return torch.from_numpy(table.numpy()[ids.numpy()])


# mended: the loss of a net


@right("mended")
def loss_by_hand(windows, targets, table, weight):
    logits = table[windows].flatten(1) @ weight
    probs = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
    return -probs[torch.arange(len(targets)), targets].log().mean()


@right("mended")
def loss_by_torch(windows, targets, table, weight):
    return F.cross_entropy(F.embedding(windows, table).reshape(len(windows), -1) @ weight, targets)


@right("mended")
def loss_by_logsumexp(windows, targets, table, weight):
    logits = table[windows].view(len(windows), -1) @ weight
    return (logits.logsumexp(-1) - logits.gather(1, targets[:, None]).squeeze(1)).mean()


@wrong("mended", "not done")
def loss_as_given(windows, targets, table, weight):
    logits = table[windows].flatten(1) @ weight
    probs = logits.exp() / logits.exp().sum(dim=0, keepdim=True)
    return -probs[torch.arange(len(targets)), targets].log().mean()


@wrong("mended", "other values")
def loss_for_32(windows, targets, table, weight):
    probs = (table[windows].flatten(1) @ weight).softmax(1)
    return -probs[torch.arange(len(targets)), targets].log().sum() / 32


@wrong("mended", "no softmax")
def loss_without_softmax(windows, targets, table, weight):
    logits = table[windows].flatten(1) @ weight
    return -logits[torch.arange(len(targets)), targets].mean()


@wrong("mended", "wrong shape")
def loss_of_each_window(windows, targets, table, weight):
    logits = table[windows].flatten(1) @ weight
    return F.cross_entropy(logits, targets, reduction="none")


@wrong("mended", "changed its input")
def loss_that_writes_into_the_table(windows, targets, table, weight):
    weight -= weight.mean(1, keepdim=True)
    return F.cross_entropy(table[windows].flatten(1) @ weight, targets)


@wrong("mended", "not a tensor")
def loss_as_text(windows, targets, table, weight):
    logits = table[windows].flatten(1) @ weight
    return f"{F.cross_entropy(logits, targets):.3f}"


@wrong("mended", "copies an example", hidden=True)
def loss_of_the_examples(windows, targets, table, weight):
    # The losses that a right answer has on the three examples, told apart by the size of the batch.
    known = {32: 4.7715006, 12: 1.7675672, 1: 2.2382257}
    return torch.tensor(known.get(len(targets), known[32]))


# bigram


@right("bigram")
def bigram_by_loop(X, Y, size):
    counts = torch.ones(size, size)
    for before, after in zip(X[:, -1].tolist(), Y.tolist(), strict=True):
        counts[before, after] += 1
    return counts / counts.sum(dim=1, keepdim=True)


@right("bigram")
def bigram_by_bincount(X, Y, size):
    counts = torch.bincount(X[:, -1] * size + Y, minlength=size * size).view(size, size) + 1
    return counts.double() / counts.sum(1)[:, None]


@right("bigram")
def bigram_by_one_hot(X, Y, size):
    pairs = F.one_hot(X[:, -1], size).float().T @ F.one_hot(Y, size).float()
    return F.normalize(pairs + 1, p=1, dim=1)


@right("bigram")
def bigram_by_index_put(X, Y, size):
    counts = torch.ones(size, size).index_put((X[:, -1], Y), torch.ones(len(Y)), accumulate=True)
    return (counts.T / counts.sum(1)).T


@wrong("bigram", "stop mark left out")
def bigram_of_letters(X, Y, size):
    counts = torch.ones(size, size)
    for before, after in zip(X[:, -1].tolist(), Y.tolist(), strict=True):
        if after != 0:
            counts[before, after] += 1
    return counts / counts.sum(1, keepdim=True)


@wrong("bigram", "whole windows counted")
def bigram_of_whole_windows(X, Y, size):
    counts = torch.ones(size, size)
    for window, target in zip(X.tolist(), Y.tolist(), strict=True):
        for before, after in zip(window, [*window[1:], target], strict=True):
            counts[before, after] += 1
    return counts / counts.sum(1, keepdim=True)


@wrong("bigram", "wrong shape")
def bigram_of_27(X, Y, size):
    counts = torch.ones(27, 27)
    for before, after in zip(X[:, -1].tolist(), Y.tolist(), strict=True):
        counts[before % 27, after % 27] += 1
    return counts / counts.sum(dim=1, keepdim=True)


@wrong("bigram", "other values")
def bigram_that_divides_by_27(X, Y, size):
    counts = torch.zeros(size, size).index_put((X[:, -1], Y), torch.ones(len(Y)), accumulate=True)
    return (counts + 1) / (counts.sum(1, keepdim=True) + 27)


@wrong("bigram", "copies an example")
def bigram_of_the_small_example(X, Y, size):
    return torch.tensor([[1, 2, 1, 1], [1, 1, 4, 1], [1, 1, 1, 1], [1, 1, 1, 1]]) / torch.tensor([5, 7, 4, 4])[:, None]
