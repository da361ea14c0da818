"""Answers to assignment 07."""

import copy
import math

import torch
import torch.nn.functional as F
from torch import nn

from tests.classroom.catalogue.catalogue import Catalogue

ANSWERS = Catalogue("a07")
right, wrong = ANSWERS.right, ANSWERS.wrong


# predictions


@right("predictions")
def predicted(mine):
    gaps, dilations, (_, second, third) = mine["kernel_size"] - 1, mine["dilations"], mine["stages"]
    field = 1 + gaps * sum(dilations)
    columns, count = mine["T"], 0
    for dilation in dilations:
        columns -= gaps * dilation
        count += columns
    return {
        "field": field,
        "shape": (mine["B"], columns, mine["C"]),
        "parameters": len(dilations) * (mine["kernel_size"] * mine["C"] ** 2 + mine["C"]),
        "applications": mine["B"] * count,
        "touched": field - 1,
        "trees": (mine["letters"] + 1) * (second * third + third + 1),
    }


@right("predictions")
def predicted_by_torch(mine):
    B, T, C, k = mine["B"], mine["T"], mine["C"], mine["kernel_size"]
    layers = [nn.Conv1d(C, C, k, dilation=dilation) for dilation in mine["dilations"]]
    x, rows = torch.zeros(B, C, T), 0
    for layer in layers:
        x = layer(x)
        rows += B * x.shape[2]
    boxes, context = 0, math.prod(mine["stages"])
    for stage in mine["stages"]:
        context //= stage
        boxes += context
    return {
        "field": T - x.shape[2] + 1,
        "shape": [B, x.shape[2], C],
        "parameters": sum(p.numel() for layer in layers for p in layer.parameters()),
        "applications": torch.tensor(rows),
        "touched": T - x.shape[2],
        "trees": boxes * (mine["letters"] + 1),
    }


@right("predictions")
def predicted_without_a_loop(mine):
    reaches = [(mine["kernel_size"] - 1) * d for d in mine["dilations"]]
    ends = [sum(reaches[: i + 1]) for i in range(len(reaches))]
    one = mine["C"] * (mine["C"] * mine["kernel_size"] + 1)
    a, b, c = mine["stages"]
    return {
        "field": sum(reaches) + 1,
        "shape": torch.Size([mine["B"], mine["T"] - ends[-1], mine["C"]]),
        "parameters": one * len(reaches),
        "applications": mine["B"] * (mine["T"] * len(ends) - sum(ends)),
        "touched": sum(reaches),
        "trees": (1 + mine["letters"]) * (1 + c + c * b),
    }


@wrong("predictions", "another value for field")
def predicts_the_sum_of_the_dilations(mine):
    k, d, C, T = mine["kernel_size"], mine["dilations"], mine["C"], mine["T"]
    _, n2, n3 = mine["stages"]
    columns = [T - (k - 1) * sum(d[: i + 1]) for i in range(len(d))]
    return {
        "field": sum(d),
        "shape": (mine["B"], columns[-1], C),
        "parameters": len(d) * (k * C * C + C),
        "applications": mine["B"] * sum(columns),
        "touched": (k - 1) * sum(d),
        "trees": (mine["letters"] + 1) * (n2 * n3 + n3 + 1),
    }


@wrong("predictions", "dilations multiplied")
def predicts_a_product(mine):
    k, d, C, T = mine["kernel_size"], mine["dilations"], mine["C"], mine["T"]
    _, n2, n3 = mine["stages"]
    columns = [T - (k - 1) * sum(d[: i + 1]) for i in range(len(d))]
    return {
        "field": 1 + (k - 1) * math.prod(d),
        "shape": (mine["B"], columns[-1], C),
        "parameters": len(d) * (k * C * C + C),
        "applications": mine["B"] * sum(columns),
        "touched": (k - 1) * sum(d),
        "trees": (mine["letters"] + 1) * (n2 * n3 + n3 + 1),
    }


@wrong("predictions", "not done")
def predicts_the_field_only(mine):
    return {"field": 1 + (mine["kernel_size"] - 1) * sum(mine["dilations"])}


# convolve: a causal convolution, as many outputs as inputs


@right("convolve")
def convolve_slices(x, kernel, bias, dilation):
    k, T = kernel.shape[2], x.shape[1]
    reach = (k - 1) * dilation
    padded = torch.cat([x[:, :1].repeat(1, reach, 1), x], dim=1)
    taps = [padded[:, j * dilation : j * dilation + T] for j in range(k)]
    return torch.cat(taps, dim=2) @ kernel.transpose(1, 2).flatten(1).T + bias


@right("convolve")
def convolve_tap_by_tap(x, kernel, bias, dilation):
    T, k = x.shape[1], kernel.shape[2]
    out = bias
    for j in range(k):
        times = (torch.arange(T) - (k - 1 - j) * dilation).clamp(min=0)
        out = out + x[:, times] @ kernel[:, :, j].T
    return out


@right("convolve")
def convolve_in_loops(x, kernel, bias, dilation):
    rows = []
    for sequence in x:
        columns = []
        for t in range(len(sequence)):
            total = bias.clone()
            for j in range(kernel.shape[2]):
                ago = (kernel.shape[2] - 1 - j) * dilation
                total += kernel[:, :, j] @ sequence[max(0, t - ago)]
            columns.append(total)
        rows.append(torch.stack(columns))
    return torch.stack(rows)


@right("convolve")
def convolve_by_einsum(x, kernel, bias, dilation):
    reach = (kernel.shape[2] - 1) * dilation
    padded = F.pad(x.transpose(1, 2), (reach, 0), mode="replicate")  # (B, C, reach + T)
    seen = padded.unfold(2, reach + 1, 1)[..., ::dilation]  # (B, C, T, k)
    return torch.einsum("bctk,ock->bto", seen, kernel) + bias


@right("convolve")
def convolve_with_a_linear_layer(x, kernel, bias, dilation):
    out_channels, channels, k = kernel.shape
    padded = torch.cat([x[:, 0].unsqueeze(1)] * ((k - 1) * dilation) + [x], 1)
    linear = nn.Linear(k * channels, out_channels)
    linear.weight = nn.Parameter(kernel.permute(0, 2, 1).reshape(out_channels, -1))
    linear.bias = nn.Parameter(bias)
    seen = [padded[:, j * dilation :][:, : x.shape[1]] for j in range(k)]
    return linear(torch.cat(seen, -1))


@wrong("convolve", "mirrored")
def convolve_reflected(x, kernel, bias, dilation):
    reach, T = (kernel.shape[2] - 1) * dilation, x.shape[1]
    padded = torch.cat([x[:, 1 : reach + 1].flip(1), x], dim=1)
    taps = [padded[:, j * dilation : j * dilation + T] @ kernel[:, :, j].T for j in range(kernel.shape[2])]
    return sum(taps) + bias


@wrong("convolve", "squeezed at its end")
def convolve_without_single_channels(x, kernel, bias, dilation):
    reach, T = (kernel.shape[2] - 1) * dilation, x.shape[1]
    padded = torch.cat([x[:, :1].repeat(1, reach, 1), x], dim=1)
    taps = [padded[:, j * dilation : j * dilation + T] @ kernel[:, :, j].T for j in range(kernel.shape[2])]
    out = sum(taps) + bias
    return out[..., 0] if len(bias) == 1 else out


@wrong("convolve", "returned its input")
def convolve_nothing(x, kernel, bias, dilation):
    return x


@wrong("convolve", "all zeros")
def convolve_zeros(x, kernel, bias, dilation):
    return torch.zeros(x.shape[0], x.shape[1], kernel.shape[0])


@wrong("convolve", "error")
def convolve_straight_away(x, kernel, bias, dilation):
    return x @ kernel + bias


@wrong("convolve", "torch's convolution")
def convolve_by_torch(x, kernel, bias, dilation):
    padded = F.pad(x.transpose(1, 2), ((kernel.shape[2] - 1) * dilation, 0), mode="replicate")
    return F.conv1d(padded, kernel, bias, dilation=dilation).transpose(1, 2)


@wrong("convolve", "torch's convolution")
def convolve_by_a_torch_layer(x, kernel, bias, dilation):
    layer = nn.Conv1d(kernel.shape[1], kernel.shape[0], kernel.shape[2], dilation=dilation)
    layer.weight, layer.bias = nn.Parameter(kernel), nn.Parameter(bias)
    first = x[:, :1].expand(-1, (kernel.shape[2] - 1) * dilation, -1)
    return layer(torch.cat([first, x], dim=1).mT).mT


@wrong("convolve", "changed its input")
def convolve_in_place(x, kernel, bias, dilation):
    T, k = x.shape[1], kernel.shape[2]
    padded = torch.cat([x[:, :1].expand(-1, (k - 1) * dilation, -1), x], dim=1)
    seen = torch.cat([padded[:, j * dilation : j * dilation + T] for j in range(k)], dim=2)
    return seen @ kernel.transpose_(1, 2).flatten(1).T + bias


@wrong("convolve", "wrong shape")
def convolve_eight_time_steps(x, kernel, bias, dilation):
    padded = torch.cat([x[:, :1].expand(-1, (kernel.shape[2] - 1) * dilation, -1), x], dim=1)
    seen = [padded[:, j * dilation : j * dilation + 8] for j in range(kernel.shape[2])]
    return torch.cat(seen, dim=2) @ kernel.transpose(1, 2).flatten(1).T + bias


@wrong("convolve", "error")
def convolve_a_batch_of_32(x, kernel, bias, dilation):
    T, k = x.shape[1], kernel.shape[2]
    padded = torch.cat([x[:, :1].expand(-1, (k - 1) * dilation, -1), x], dim=1)
    out = torch.zeros(32, T, len(kernel)) + bias
    for j in range(k):
        out = out + padded[:, j * dilation : j * dilation + T] @ kernel[:, :, j].T
    return out


@wrong("convolve", "other values")
def convolve_two_taps(x, kernel, bias, dilation):
    padded = torch.cat([x[:, :1].expand(-1, dilation, -1), x], dim=1)
    return padded[:, :-dilation] @ kernel[:, :, 0].T + x @ kernel[:, :, 1].T + bias


@wrong("convolve", "padded on both sides")
def convolve_repeated_on_both_sides(x, kernel, bias, dilation):
    T, k = x.shape[1], kernel.shape[2]
    reach, out = (k - 1) * dilation, bias
    left = reach // 2
    padded = torch.cat([x[:, :1].expand(-1, left, -1), x, x[:, -1:].expand(-1, reach - left, -1)], dim=1)
    for j in range(k):
        out = out + padded[:, j * dilation : j * dilation + T] @ kernel[:, :, j].T
    return out


@wrong("convolve", "not padded")
def convolve_what_fits(x, kernel, bias, dilation):
    k = kernel.shape[2]
    T_out = x.shape[1] - (k - 1) * dilation
    return bias + sum(x[:, j * dilation : j * dilation + T_out] @ kernel[:, :, j].T for j in range(k))


@wrong("convolve", "error")
def convolve_with_a_lag_inside(x, kernel, bias, dilation):
    T, k = x.shape[1], kernel.shape[2]
    total = bias
    for tap in range(k):
        lag = (k - 1 - tap) * dilation
        seen = torch.cat([x[:, :1].expand(-1, lag, -1), x[:, : max(T - lag, 0)]], dim=1)
        total = total + seen @ kernel[:, :, tap].T
    return total


@wrong("convolve", "dilation one too small")
def convolve_taps_too_near(x, kernel, bias, dilation):
    T, k = x.shape[1], kernel.shape[2]
    reach, out = (k - 1) * (dilation - 1), bias
    padded = torch.cat([x[:, :1].expand(-1, reach, -1), x], dim=1)
    for j in range(k):
        out = out + padded[:, j * (dilation - 1) : j * (dilation - 1) + T] @ kernel[:, :, j].T
    return out


@wrong("convolve", "sees the next time step")
def convolve_one_place_too_few(x, kernel, bias, dilation):
    T, k = x.shape[1], kernel.shape[2]
    reach, out = (k - 1) * dilation, bias
    padded = torch.cat([x[:, :1].expand(-1, reach - 1, -1), x, x[:, -1:]], dim=1)
    for j in range(k):
        out = out + padded[:, j * dilation : j * dilation + T] @ kernel[:, :, j].T
    return out


@wrong("convolve", "other values")
def convolved_with_four_taps_at_most(x, kernel, bias, dilation):
    kernel = kernel[:, :, -4:]
    k, T = kernel.shape[2], x.shape[1]
    padded = torch.cat([x[:, :1].expand(-1, (k - 1) * dilation, -1), x], dim=1)
    return bias + sum(padded[:, j * dilation : j * dilation + T] @ kernel[:, :, j].T for j in range(k))


# fold: BatchNorm multiplied into the convolution before it


@right("fold")
def fold(weight, bias, norm):
    scale = norm["weight"] / (norm["running_var"] + norm["eps"]).sqrt()
    return weight * scale[:, None], (bias - norm["running_mean"]) * scale + norm["bias"]


@right("fold")
def fold_by_a_diagonal_matrix(weight, bias, norm):
    matrix = torch.diag(norm["weight"] * torch.rsqrt(norm["running_var"] + norm["eps"]))
    return matrix @ weight, matrix @ bias - matrix @ norm["running_mean"] + norm["bias"]


@right("fold")
def fold_output_by_output(weight, bias, norm):
    weights, constants = [], []
    for i in range(len(weight)):
        s = norm["weight"][i] / math.sqrt(norm["running_var"][i] + norm["eps"])
        weights.append(weight[i] * s)
        constants.append(s * (bias[i] - norm["running_mean"][i]) + norm["bias"][i])
    return torch.stack(weights), torch.stack(constants)


@right("fold")
def fold_by_asking_the_layers(weight, bias, norm):
    layer = nn.BatchNorm1d(len(weight), eps=norm["eps"]).eval()
    layer.load_state_dict({key: value for key, value in norm.items() if key != "eps"}, strict=False)
    with torch.no_grad():
        constant = layer(bias[None])[0]
        columns = layer(torch.eye(weight.shape[1]) @ weight.T + bias) - constant
    return [columns.T, constant]


@wrong("fold", "other values")
def fold_nothing(weight, bias, norm):
    return weight, bias


@wrong("fold", "wrong number of results")
def fold_the_weight_only(weight, bias, norm):
    return weight * (norm["weight"] / (norm["running_var"] + norm["eps"]).sqrt())[:, None]


@wrong("fold", "all zeros")
def fold_to_zeros(weight, bias, norm):
    return torch.zeros_like(weight), torch.zeros_like(bias)


@wrong("fold", "changed its input")
def fold_in_place(weight, bias, norm):
    scale = norm["weight"] / (norm["running_var"] + norm["eps"]).sqrt()
    weight *= scale[:, None]
    bias -= norm["running_mean"]
    bias *= scale
    bias += norm["bias"]
    return weight, bias


@wrong("fold", "wrong shape")
def fold_32_outputs(weight, bias, norm):
    scale = norm["weight"] / (norm["running_var"] + norm["eps"]).sqrt()
    folded = torch.stack([scale[i % len(weight)] * weight[i % len(weight)] for i in range(32)])
    return folded, scale * (bias - norm["running_mean"]) + norm["bias"]


@wrong("fold", "wrong shape")
def fold_to_a_column(weight, bias, norm):
    scale = (norm["weight"] / (norm["running_var"] + norm["eps"]).sqrt())[:, None]
    return scale * weight, scale * (bias - norm["running_mean"])[:, None] + norm["bias"][:, None]


@wrong("fold", "bias before weight")
def fold_bias_first(weight, bias, norm):
    scale = norm["weight"] / (norm["running_var"] + norm["eps"]).sqrt()
    return scale * (bias - norm["running_mean"]) + norm["bias"], scale[:, None] * weight


@wrong("fold", "inputs scaled")
def fold_columns(weight, bias, norm):
    scale = norm["weight"] / (norm["running_var"] + norm["eps"]).sqrt()
    return scale * weight, scale * (bias - norm["running_mean"]) + norm["bias"]


@wrong("fold", "eps forgotten")
def fold_without_eps(weight, bias, norm):
    scale = norm["weight"] / norm["running_var"].sqrt()
    return scale[:, None] * weight, scale * (bias - norm["running_mean"]) + norm["bias"]


# seen: which time steps an output sees


@right("seen")
def seen_by_sets(kernel_size, dilations):
    lags = {0}
    for dilation in dilations:
        lags = {lag + tap * dilation for lag in lags for tap in range(kernel_size)}
    return sorted(lags)


@right("seen")
def seen_by_marks(kernel_size, dilations):
    marks = torch.zeros(1 + (kernel_size - 1) * sum(dilations))
    marks[0] = 1
    for dilation in dilations:
        before = marks.clone()
        for tap in range(1, kernel_size):
            marks[tap * dilation :] += before[: len(marks) - tap * dilation]
    return marks.nonzero().flatten()


@right("seen")
def seen_by_gradient(kernel_size, dilations):
    field = 1 + (kernel_size - 1) * sum(dilations)
    x = torch.ones(1, 1, field, requires_grad=True)
    y = x
    for dilation in dilations:
        y = F.conv1d(y, torch.ones(1, 1, kernel_size), dilation=dilation)
    (slope,) = torch.autograd.grad(y.sum(), x)
    return [ago for ago in range(field) if slope[0, 0, field - 1 - ago] > 0]


@right("seen")
def seen_one_layer_at_a_time(kernel_size, dilations):
    if not dilations:
        return [0]
    above = seen_one_layer_at_a_time(kernel_size, dilations[1:])
    here = []
    for tap in range(kernel_size):
        for lag in above:
            if lag + tap * dilations[0] not in here:
                here.append(lag + tap * dilations[0])
    return sorted(here)


@wrong("seen", "dilation ignored")
def seen_by_neighbours(kernel_size, dilations):
    return list(range((kernel_size - 1) * len(dilations) + 1))


@wrong("seen", "distance from tap to tap doubled")
def seen_with_growing_gaps(kernel_size, dilations):
    seen = {0}
    for dilation in dilations:
        taps = [0]
        for tap in range(kernel_size - 1):
            taps.append(dilation * 2**tap)
        seen = {old + tap for old in seen for tap in taps}
    return sorted(seen)


@wrong("seen", "other values")
def seen_a_set(kernel_size, dilations):
    lags = {0}
    for dilation in dilations:
        lags = {lag + tap * dilation for lag in lags for tap in range(kernel_size)}
    return lags


@wrong("seen", "other values")
def seen_how_many(kernel_size, dilations):
    lags = {0}
    for dilation in dilations:
        lags = {lag + tap * dilation for lag in lags for tap in range(kernel_size)}
    return len(lags)


@wrong("seen", "farthest forgotten")
def seen_below_the_span(kernel_size, dilations):
    span = (kernel_size - 1) * sum(dilations)
    lags = {0}
    for dilation in dilations:
        lags |= {lag + tap * dilation for lag in lags for tap in range(kernel_size)}
    return [lag for lag in range(span) if lag in lags]


@wrong("seen", "error")
def seen_by_exactly_three_layers(kernel_size, dilations):
    first, second, third = dilations
    taps = range(kernel_size)
    return sorted({a * first + b * second + c * third for a in taps for b in taps for c in taps})


@wrong("seen", "changed its input")
def seen_and_used_up(kernel_size, dilations):
    lags = {0}
    while dilations:
        dilation = dilations.pop()
        lags = {lag + tap * dilation for lag in lags for tap in range(kernel_size)}
    return sorted(lags)


@wrong("seen", "other values", hidden=True)
def seen_in_the_examples(kernel_size, dilations):
    known = {
        (2, 1, 2, 4): [0, 1, 2, 3, 4, 5, 6, 7],
        (2, 1, 4): [0, 1, 4, 5],
        (3, 2, 7): [0, 2, 4, 7, 9, 11, 14, 16, 18],
        (2, 1, 1, 2): [0, 1, 2, 3, 4],
        (4, 3): [0, 3, 6, 9],
    }
    return known.get((kernel_size, *dilations), [0])


@wrong("seen", "paths counted")
def seen_along_every_path(kernel_size, dilations):
    lags = [0]
    for dilation in dilations:
        lags = [lag + tap * dilation for lag in lags for tap in range(kernel_size)]
    return sorted(lags)


# mended: the residual path of a dilated net


@right("mended")
def logits_mended(model, tokens):
    x = model.embedding(tokens)
    for stage, dilation in zip([model.stage1, model.stage2, model.stage3], [1, 2, 4], strict=True):
        seen = torch.cat([x[:, :-dilation], x[:, dilation:]], dim=2)
        out = stage.activation(stage.norm(stage.linear(seen)))
        if stage.residual:
            out = out + x[:, dilation:]
        x = out
    return model.head(x)


@right("mended")
def logits_with_the_last_columns(model, tokens):
    x = model.embedding(tokens)
    for stage, dilation in zip([model.stage1, model.stage2, model.stage3], [1, 2, 4], strict=True):
        seen = torch.cat([x[:, :-dilation], x[:, dilation:]], dim=2)
        out = stage.activation(stage.norm(stage.linear(seen)))
        if stage.residual:
            out = out + x[:, -out.shape[1] :]
        x = out
    return model.head(x)


@right("mended")
def logits_from_what_was_seen(model, tokens):
    x = model.embedding(tokens)
    for stage, dilation in zip([model.stage1, model.stage2, model.stage3], [1, 2, 4], strict=True):
        seen = torch.cat([x[:, :-dilation], x[:, dilation:]], dim=2)
        out = stage.activation(stage.norm(stage.linear(seen)))
        if stage.residual:
            out = out + seen[..., x.shape[2] :]
        x = out
    return model.head(x)


@right("mended")
def logits_of_padded_tokens(model, tokens):
    x, dilation = F.pad(model.embedding(tokens), (0, 0, 7, 0)), 1
    for stage in [model.stage1, model.stage2, model.stage3]:
        past, now = x[:, :-dilation], x[:, dilation:]
        x = stage.activation(stage.norm(F.linear(torch.cat([past, now], -1), stage.linear.weight)))
        x = x + now if stage.residual else x
        dilation *= 2
    return model.head(x[:, 7:])


@right("mended")
def logits_in_eval_mode_with_a_copy(model, tokens):
    net = copy.deepcopy(model).eval()
    x = net.embedding(tokens)
    for number, stage in enumerate([net.stage1, net.stage2, net.stage3]):
        end = x.shape[1]
        left, right = torch.arange(end - 2**number), torch.arange(2**number, end)
        mixed = stage.linear(torch.cat([x[:, left], x[:, right]], dim=2))
        kept = x[:, right] if number else 0
        x = stage.activation(stage.norm(mixed)) + kept
    return net.head(x)


@wrong("mended", "error")
def logits_of_the_tree(model, tokens):
    return model(tokens)[:, None] @ torch.ones(3, 3)


@wrong("mended", "residual of another length")
def logits_with_all_columns_added(model, tokens):
    x = model.embedding(tokens)
    for stage, dilation in zip([model.stage1, model.stage2, model.stage3], [1, 2, 4], strict=True):
        seen = torch.cat([x[:, :-dilation], x[:, dilation:]], dim=2)
        out = stage.activation(stage.norm(stage.linear(seen)))
        if stage.residual:
            out = out + x
        x = out
    return model.head(x)


@wrong("mended", "residual of another length")
def logits_with_a_residual_in_every_stage(model, tokens):
    x = model.embedding(tokens)
    for stage, dilation in zip([model.stage1, model.stage2, model.stage3], [1, 2, 4], strict=True):
        seen = torch.cat([x[:, :-dilation], x[:, dilation:]], dim=2)
        out = stage.activation(stage.norm(stage.linear(seen)))
        out = out + x[:, dilation:]
        x = out
    return model.head(x)


@wrong("mended", "residual inside")
def logits_with_the_residual_inside(model, tokens):
    x = model.embedding(tokens)
    for stage, dilation in zip([model.stage1, model.stage2, model.stage3], [1, 2, 4], strict=True):
        seen = torch.cat([x[:, :-dilation], x[:, dilation:]], dim=2)
        out = stage.norm(stage.linear(seen))
        if stage.residual:
            out = out + x[:, dilation:]
        out = stage.activation(out)
        x = out
    return model.head(x)


@wrong("mended", "wrong shape")
def logits_of_fifteen_tokens(model, tokens):
    tokens = tokens[:, :15]
    x = model.embedding(tokens)
    for stage, dilation in zip([model.stage1, model.stage2, model.stage3], [1, 2, 4], strict=True):
        seen = torch.cat([x[:, :-dilation], x[:, dilation:]], dim=2)
        out = stage.activation(stage.norm(stage.linear(seen)))
        if stage.residual:
            out = out + x[:, dilation:]
        x = out
    return model.head(x)


@wrong("mended", "neighbour of the wrong distance")
def logits_with_the_nearest_neighbour(model, tokens):
    x = model.embedding(tokens)
    for stage, dilation in zip([model.stage1, model.stage2, model.stage3], [1, 2, 4], strict=True):
        seen = torch.cat([x[:, :-dilation], x[:, dilation:]], dim=2)
        out = stage.activation(stage.norm(stage.linear(seen)))
        if stage.residual:
            out = out + x[:, dilation - 1 : -1]
        x = out
    return model.head(x)
