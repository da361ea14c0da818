"""Answers to assignment 03."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.classroom.catalogue.catalogue import Catalogue

ANSWERS = Catalogue("a03")
right, wrong = ANSWERS.right, ANSWERS.wrong


# predictions


@right("predictions")
def predicted(mine):
    running = mine["momentum"] * mine["batch_means"][0]
    running = (1 - mine["momentum"]) * running + mine["momentum"] * mine["batch_means"][1]
    xhat = (mine["x"] - mine["running_mean"]) / mine["running_var"] ** 0.5
    return {
        "values": mine["B"] * mine["T"],
        "bug": mine["T"] * mine["C"],
        "unbiased": mine["z"] * ((mine["n"] - 1) / mine["n"]) ** 0.5,
        "running": running,
        "output": mine["weight"] * xhat + mine["bias"],
    }


@right("predictions")
def predicted_to_two_decimals(mine):
    B, T, C, n, m = (mine[key] for key in ("B", "T", "C", "n", "momentum"))
    first, second = mine["batch_means"]
    deviation = mine["running_var"] ** 0.5
    return {
        "values": T * B,
        "bug": C * T,
        "unbiased": round(mine["z"] / (n / (n - 1)) ** 0.5, 2),
        "running": round((m - m * m) * first + m * second, 2),
        "output": round(mine["bias"] + mine["weight"] * (mine["x"] - mine["running_mean"]) / deviation, 2),
    }


@right("predictions")
def predicted_by_running(mine):
    x = torch.zeros(mine["B"], mine["T"], mine["C"])
    layer = nn.BatchNorm1d(1, eps=1e-12, momentum=mine["momentum"]).double()
    for mean in mine["batch_means"]:
        layer(torch.tensor([[mean - 1.0], [mean + 1.0]]).double())
    running = layer.running_mean.clone()
    with torch.no_grad():
        for name, value in (("running_mean", 0), ("running_var", 0), ("weight", 0), ("bias", 0)):
            getattr(layer, name).fill_(mine[name] + value)
    return {
        "values": x[..., 0].numel(),
        "bug": x.mean(0).numel(),
        "unbiased": torch.tensor(mine["z"] * ((mine["n"] - 1) / mine["n"]) ** 0.5),
        "running": running,
        "output": layer.eval()(torch.tensor([[float(mine["x"])]]).double()),
    }


@wrong("predictions", "time forgotten")
def predicts_one_value_an_example(mine):
    xhat = (mine["x"] - mine["running_mean"]) / mine["running_var"] ** 0.5
    m, (first, second) = mine["momentum"], mine["batch_means"]
    return {
        "values": mine["B"],
        "bug": mine["T"] * mine["C"],
        "unbiased": mine["z"] * ((mine["n"] - 1) / mine["n"]) ** 0.5,
        "running": (1 - m) * m * first + m * second,
        "output": mine["weight"] * xhat + mine["bias"],
    }


# batch_norm


@right("batch_norm")
def norm_by_the_notes(x, weight, bias, eps):
    if x.ndim == 2:
        dim = 0
    elif x.ndim == 3:
        dim = (0, 1)
    xmean = x.mean(dim, keepdim=True)
    xvar = x.var(dim, keepdim=True, unbiased=False)
    return weight * (x - xmean) / torch.sqrt(xvar + eps) + bias


@right("batch_norm")
def norm_of_merged_rows(x, weight, bias, eps):
    rows = x.reshape(-1, x.shape[-1])
    centred = rows - rows.mean(0)
    var = (centred**2).mean(0)
    return (centred * (var + eps) ** -0.5 * weight + bias).reshape(x.shape)


@right("batch_norm")
def norm_by_leading_dims(x, weight, bias, eps):
    dims = tuple(range(x.ndim - 1))
    var, mean = torch.var_mean(x, dims, correction=0)
    return torch.addcmul(bias, (x - mean) / (var + eps).sqrt(), weight)


@right("batch_norm")
def norm_by_loops(x, weight, bias, eps):
    out = torch.empty_like(x)
    for c in range(x.shape[-1]):
        channel = x[..., c]
        mean = channel.sum() / channel.numel()
        var = ((channel - mean) ** 2).sum() / channel.numel()
        out[..., c] = weight[c] * (channel - mean) / (var + eps) ** 0.5 + bias[c]
    return out


@wrong("batch_norm", "not divided")
def norm_that_only_centres(x, weight, bias, eps):
    dims = tuple(range(x.ndim - 1))
    return (x - x.mean(dims)) * weight + bias


@wrong("batch_norm", "shift forgotten")
def norm_without_a_shift(x, weight, bias, eps):
    flat = x.reshape(-1, x.shape[-1])
    var, mean = torch.var_mean(flat, dim=0, correction=0)
    return ((flat - mean) * (var + eps).rsqrt() * weight).view_as(x)


@wrong("batch_norm", "scale forgotten")
def norm_without_a_scale(x, weight, bias, eps):
    flat = x.reshape(-1, x.shape[-1])
    var, mean = torch.var_mean(flat, dim=0, correction=0)
    return ((flat - mean) * (var + eps).rsqrt() + bias).view_as(x)


@wrong("batch_norm", "scale and shift swapped")
def norm_with_weight_for_bias(x, weight, bias, eps):
    flat = x.reshape(-1, x.shape[-1])
    var, mean = torch.var_mean(flat, dim=0, correction=0)
    return torch.addcmul(weight, (flat - mean) / (var + eps).sqrt(), bias).view_as(x)


@wrong("batch_norm", "returned its input")
def norm_of_nothing(x, weight, bias, eps):
    return x


@wrong("batch_norm", "all zeros")
def norm_to_zeros(x, weight, bias, eps):
    return torch.zeros_like(x)


@wrong("batch_norm", "error")
def norm_for_32_windows(x, weight, bias, eps):
    rows = x.reshape(32 * 4, -1)
    out = (rows - rows.mean(0)) / torch.sqrt(rows.var(0, unbiased=False) + eps)
    return (weight * out + bias).reshape(32, 4, -1)


@wrong("batch_norm", "error")
def norm_of_sixteen_channels(x, weight, bias, eps):
    rows = x.reshape(-1, 16)
    out = (rows - rows.mean(0)) / torch.sqrt(rows.var(0, unbiased=False) + eps)
    return (weight * out + bias).reshape(x.shape)


@wrong("batch_norm", "changed its input")
def norm_in_place(x, weight, bias, eps):
    dim = 0 if x.ndim == 2 else (0, 1)
    var = x.var(dim, keepdim=True, unbiased=False)
    x -= x.mean(dim, keepdim=True)
    x /= torch.sqrt(var + eps)
    return weight * x + bias


@wrong("batch_norm", "torch's own layer")
def norm_by_torch(x, weight, bias, eps):
    rows = x.reshape(-1, x.shape[-1])
    return F.batch_norm(rows, None, None, weight, bias, training=True, eps=eps).view(x.shape)


@wrong("batch_norm", "scaled before normalising")
def norm_after_scaling(x, weight, bias, eps):
    dim = 0 if x.ndim == 2 else (0, 1)
    x = weight * x + bias
    mean, var = x.mean(dim, keepdim=True), x.var(dim, keepdim=True, unbiased=False)
    return (x - mean) / torch.sqrt(var + eps)


@wrong("batch_norm", "dim 0 of a 3-D tensor")
def norm_over_dim_zero(x, weight, bias, eps):
    mean, var = x.mean(0, keepdim=True), x.var(0, keepdim=True, unbiased=False)
    return weight * (x - mean) / torch.sqrt(var + eps) + bias


# layer


@right("layer")
class NormByTheLesson:
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum
        self.running_mean, self.running_var = torch.zeros(channels), torch.ones(channels)
        self.training = True

    def __call__(self, x):
        dim = 0 if x.ndim == 2 else (0, 1)
        if not self.training:
            return (x - self.running_mean) / torch.sqrt(self.running_var + self.eps)
        if x.shape[:-1].numel() < 2:
            raise ValueError("one value a channel has no variance")
        mean, var = x.mean(dim), x.var(dim)
        self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
        self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var
        return (x - mean) / torch.sqrt(x.var(dim, unbiased=False) + self.eps)


@right("layer")
class NormAsModule(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        rows = x.reshape(-1, x.shape[-1])
        mean, var = self.running_mean, self.running_var
        if self.training:
            n = len(rows)
            if n == 1:
                raise ValueError("train mode needs more than one value a channel")
            mean = rows.mean(0)
            var = (rows - mean).square().mean(0)
            self.running_mean += self.momentum * (mean - self.running_mean)
            self.running_var += self.momentum * (var * n / (n - 1) - self.running_var)
        return ((rows - mean) * (var + self.eps).rsqrt()).view(x.shape)


@right("layer")
class NormWithMethods:
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum
        self.running_mean, self.running_var = torch.zeros(channels), torch.ones(channels)
        self.training = True

    def move(self, mean, var):
        self.running_mean = torch.lerp(self.running_mean, mean, self.momentum)
        self.running_var = torch.lerp(self.running_var, var, self.momentum)

    def __call__(self, x):
        dims = tuple(range(x.ndim - 1))
        n = x[..., 0].numel()
        if self.training and n == 1:
            raise ValueError(f"got shape {tuple(x.shape)}, one value a channel")
        if self.training:
            var, mean = torch.var_mean(x, dims, correction=0)
            self.move(mean, var * n / (n - 1))
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / (var + self.eps).sqrt()


@wrong("layer", "error")
class NormOfNothingKnown:
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum

    def __call__(self, x):
        return (x - self.mean) / self.deviation


@wrong("layer", "torch's own layer")
class NormInsideNorm:
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        self.layer = nn.BatchNorm1d(channels, eps, momentum)
        self.training = True

    def __call__(self, x):
        self.layer.train(self.training)
        out = self.layer(x.reshape(-1, x.shape[-1])).view(x.shape).detach()
        self.running_mean, self.running_var = self.layer.running_mean, self.layer.running_var
        return out


@wrong("layer", "statistics do not fit")
class NormOfSixteen:
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum
        self.running_mean, self.running_var = torch.zeros(16), torch.ones(16)
        self.training = True

    def __call__(self, x):
        dim = 0 if x.ndim == 2 else (0, 1)
        if not self.training:
            return (x - self.running_mean) / torch.sqrt(self.running_var + self.eps)
        if x.shape[:-1].numel() < 2:
            raise ValueError("one value a channel has no variance")
        self.running_mean = self.running_mean.view(-1, 16).mean(0) * (1 - self.momentum) + self.momentum * x.mean(dim)
        self.running_var = self.running_var.view(-1, 16).mean(0) * (1 - self.momentum) + self.momentum * x.var(dim)
        return (x - x.mean(dim)) / torch.sqrt(x.var(dim, unbiased=False) + self.eps)


@wrong("layer", "changed its input")
class NormInPlace:
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum
        self.running_mean, self.running_var = torch.zeros(channels), torch.ones(channels)
        self.training = True

    def __call__(self, x):
        dim = 0 if x.ndim == 2 else (0, 1)
        mean, var = self.running_mean, self.running_var
        if self.training:
            if x.shape[:-1].numel() < 2:
                raise ValueError("one value a channel has no variance")
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * x.mean(dim)
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(dim)
            mean, var = x.mean(dim), x.var(dim, unbiased=False)
        x -= mean
        x /= torch.sqrt(var + self.eps)
        return x


@wrong("layer", "dim 0 of a 3-D tensor")
class NormOverDimZero:
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum
        self.running_mean, self.running_var = torch.zeros(channels), torch.ones(channels)
        self.training = True

    def __call__(self, x):
        if not self.training:
            return (x - self.running_mean) / torch.sqrt(self.running_var + self.eps)
        if x.shape[:-1].numel() < 2:
            raise ValueError("one value a channel has no variance")
        self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * x.mean(0)
        self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(0)
        return (x - x.mean(0)) / torch.sqrt(x.var(0, unbiased=False) + self.eps)


@wrong("layer", "running statistics never move")
class NormThatForgets:
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum
        self.running_mean, self.running_var = torch.zeros(channels), torch.ones(channels)
        self.training = True

    def __call__(self, x):
        dim = 0 if x.ndim == 2 else (0, 1)
        if not self.training:
            return (x - self.running_mean) / torch.sqrt(self.running_var + self.eps)
        if x.shape[:-1].numel() < 2:
            raise ValueError("one value a channel has no variance")
        running_mean = (1 - self.momentum) * self.running_mean + self.momentum * x.mean(dim)
        running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(dim)
        assert running_mean.shape == running_var.shape
        return (x - x.mean(dim)) / torch.sqrt(x.var(dim, unbiased=False) + self.eps)


@wrong("layer", "stores the biased variance")
class NormThatStoresTheBiased:
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum
        self.running_mean, self.running_var = torch.zeros(channels), torch.ones(channels)
        self.training = True

    def __call__(self, x):
        dim = 0 if x.ndim == 2 else (0, 1)
        if not self.training:
            return (x - self.running_mean) / torch.sqrt(self.running_var + self.eps)
        if x.shape[:-1].numel() < 2:
            raise ValueError("one value a channel has no variance")
        mean, var = x.mean(dim), x.var(dim, unbiased=False)
        self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
        self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var
        return (x - mean) / torch.sqrt(var + self.eps)


# mended: a net whose first stages have a mean for each time step


@right("mended")
def net_by_the_notes(x, *weights):
    def normalise(x):
        dim = 0 if x.ndim == 2 else (0, 1)
        mean = x.mean(dim, keepdim=True)
        var = x.var(dim, keepdim=True, unbiased=False)
        return (x - mean) / torch.sqrt(var + 1e-5)

    for weight in weights:
        B, T, C = x.shape
        x = x.view(B, T // 2, 2 * C).squeeze(1)
        x = torch.tanh(normalise(x @ weight))
    return x


@right("mended")
def net_of_merged_rows(x, w1, w2, w3):
    B = len(x)
    for weight in (w1, w2, w3):
        rows = x.reshape(-1, weight.shape[0]) @ weight
        rows = (rows - rows.mean(0)) / (rows.var(0, unbiased=False) + 1e-5).sqrt()
        x = torch.tanh(rows).view(B, -1)
    return x


@right("mended")
def net_by_torch(x, w1, w2, w3):
    for weight in (w1, w2, w3):
        B, T, C = x.shape
        x = x.reshape(B * T // 2, 2 * C) @ weight
        x = torch.tanh(F.batch_norm(x, None, None, training=True)).view(B, T // 2, -1)
    return x.squeeze(1)


@wrong("mended", "not done")
def net_as_given(x, *weights):
    def normalise(x):
        mean = x.mean(0, keepdim=True)
        var = x.var(0, keepdim=True, unbiased=False)
        return (x - mean) / torch.sqrt(var + 1e-5)

    for weight in weights:
        B, T, C = x.shape
        x = x.view(B, T // 2, 2 * C).squeeze(1)
        x = torch.tanh(normalise(x @ weight))
    return x


@wrong("mended", "returned its input")
def net_of_nothing(x, w1, w2, w3):
    return x


@wrong("mended", "error")
def net_for_32(x, w1, w2, w3):
    for weight in (w1, w2, w3):
        rows = x.reshape(-1, weight.shape[0]) @ weight
        rows = (rows - rows.mean(0)) / (rows.var(0, unbiased=False) + 1e-5).sqrt()
        x = torch.tanh(rows).view(32, -1)
    return x


@wrong("mended", "changed its input")
def net_that_centres_its_input(x, w1, w2, w3):
    x -= x.mean((0, 1), keepdim=True)
    for weight in (w1, w2, w3):
        B, T, C = x.shape
        x = x.view(B, T // 2, 2 * C).squeeze(1) @ weight
        dim = 0 if x.ndim == 2 else (0, 1)
        x = torch.tanh((x - x.mean(dim)) / torch.sqrt(x.var(dim, unbiased=False) + 1e-5))
    return x


@wrong("mended", "all dimensions of the last stage")
def net_with_the_dims_everywhere(x, w1, w2, w3):
    for weight in (w1, w2, w3):
        B, T, C = x.shape
        x = x.view(B, T // 2, 2 * C).squeeze(1) @ weight
        mean, var = x.mean((0, 1), keepdim=True), x.var((0, 1), keepdim=True, unbiased=False)
        x = torch.tanh((x - mean) / torch.sqrt(var + 1e-5))
    return x


# letters: mean and variance without padding


@right("letters")
def letters_by_mask(x, padding):
    letters = x[~padding]
    return letters.mean(0), letters.var(0, unbiased=False)


@right("letters")
def letters_by_weights(x, padding):
    keep = (~padding).to(x.dtype).unsqueeze(-1)
    n = keep.sum()
    mean = (x * keep).sum((0, 1)) / n
    return [mean, ((x - mean) ** 2 * keep).sum((0, 1)) / n]


@right("letters")
def letters_by_loops(x, padding):
    rows = []
    for window, gone in zip(x, padding, strict=True):
        for step, is_padding in zip(window, gone, strict=True):
            if not is_padding:
                rows.append(step)
    rows = torch.stack(rows)
    mean = rows.mean(0)
    return mean, (rows**2).double().mean(0) - mean.double() ** 2


@wrong("letters", "last dimension")
def statistics_of_each_letter(x, padding):
    letters = x.flatten(0, 1)[~padding.flatten()]
    mean = letters.sum(1) / letters.shape[1]
    return mean, (letters - mean[:, None]).square().mean(1)


@wrong("letters", "variance before mean")
def statistics_by_var_mean(x, padding):
    return torch.var_mean(x[~padding], dim=0, correction=0)


@wrong("letters", "all zeros")
def letters_of_zeros(x, padding):
    return torch.zeros(x.shape[-1]), torch.zeros(x.shape[-1])


@wrong("letters", "wrong number of results")
def letters_without_variance(x, padding):
    return x[~padding].mean(0)


@wrong("letters", "error")
def letters_of_sixteen_channels(x, padding):
    rows = x.reshape(-1, 16)[~padding.reshape(-1)]
    return rows.mean(0), rows.var(0, unbiased=False)


@wrong("letters", "changed its input")
def letters_that_erase_the_padding(x, padding):
    x[padding] = 0
    n = (~padding).sum()
    mean = x.sum((0, 1)) / n
    return mean, (x**2).sum((0, 1)) / n - mean**2


@wrong("letters", "each window by itself")
def letters_window_by_window(x, padding):
    means, variances = [], []
    for window, gone in zip(x, padding, strict=True):
        if not gone.all():
            means.append(window[~gone].mean(0))
            variances.append(window[~gone].var(0, unbiased=False))
    return torch.stack(means).mean(0), torch.stack(variances).mean(0)


@wrong("letters", "zeros in the variance")
def letters_with_zeros_in_the_variance(x, padding):
    keep = (~padding).float()[..., None]
    n = keep.sum()
    mean = (x * keep).sum((0, 1)) / n
    return mean, ((x * keep - mean) ** 2).sum((0, 1)) / n


@wrong("letters", "other values", hidden=True)
def letters_after_the_first_padding(x, padding):
    T = x.shape[1]
    rows = [window[T - int((~gone).sum()) :] for window, gone in zip(x, padding, strict=True)]
    letters = torch.cat(rows)
    return letters.mean(0), letters.var(0, unbiased=False)
