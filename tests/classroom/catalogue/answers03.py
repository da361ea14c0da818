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


@wrong("predictions", "counted everything")
def predicts_all_numbers(mine):
    xhat = (mine["x"] - mine["running_mean"]) / mine["running_var"] ** 0.5
    m, (first, second) = mine["momentum"], mine["batch_means"]
    return {
        "values": mine["B"] * mine["T"] * mine["C"],
        "bug": mine["T"] * mine["C"],
        "unbiased": mine["z"] * ((mine["n"] - 1) / mine["n"]) ** 0.5,
        "running": (1 - m) * m * first + m * second,
        "output": mine["weight"] * xhat + mine["bias"],
    }


@wrong("predictions", "time averaged too")
def predicts_that_the_bug_does_nothing(mine):
    xhat = (mine["x"] - mine["running_mean"]) / mine["running_var"] ** 0.5
    m, (first, second) = mine["momentum"], mine["batch_means"]
    return {
        "values": mine["B"] * mine["T"],
        "bug": mine["C"],
        "unbiased": mine["z"] * ((mine["n"] - 1) / mine["n"]) ** 0.5,
        "running": (1 - m) * m * first + m * second,
        "output": mine["weight"] * xhat + mine["bias"],
    }


@wrong("predictions", "another dimension")
def predicts_dim_one(mine):
    xhat = (mine["x"] - mine["running_mean"]) / mine["running_var"] ** 0.5
    m, (first, second) = mine["momentum"], mine["batch_means"]
    return {
        "values": mine["B"] * mine["T"],
        "bug": mine["B"] * mine["C"],
        "unbiased": mine["z"] * ((mine["n"] - 1) / mine["n"]) ** 0.5,
        "running": (1 - m) * m * first + m * second,
        "output": mine["weight"] * xhat + mine["bias"],
    }


@wrong("predictions", "no difference")
def predicts_one_variance(mine):
    xhat = (mine["x"] - mine["running_mean"]) / mine["running_var"] ** 0.5
    m, (first, second) = mine["momentum"], mine["batch_means"]
    return {
        "values": mine["B"] * mine["T"],
        "bug": mine["T"] * mine["C"],
        "unbiased": mine["z"],
        "running": (1 - m) * m * first + m * second,
        "output": mine["weight"] * xhat + mine["bias"],
    }


@wrong("predictions", "factor inverted")
def predicts_a_larger_number(mine):
    xhat = (mine["x"] - mine["running_mean"]) / mine["running_var"] ** 0.5
    m, (first, second) = mine["momentum"], mine["batch_means"]
    return {
        "values": mine["B"] * mine["T"],
        "bug": mine["T"] * mine["C"],
        "unbiased": mine["z"] * (mine["n"] / (mine["n"] - 1)) ** 0.5,
        "running": (1 - m) * m * first + m * second,
        "output": mine["weight"] * xhat + mine["bias"],
    }


@wrong("predictions", "forgot the root")
def predicts_by_variances(mine):
    xhat = (mine["x"] - mine["running_mean"]) / mine["running_var"]
    m, (first, second) = mine["momentum"], mine["batch_means"]
    return {
        "values": mine["B"] * mine["T"],
        "bug": mine["T"] * mine["C"],
        "unbiased": mine["z"] * (mine["n"] - 1) / mine["n"],
        "running": (1 - m) * m * first + m * second,
        "output": mine["weight"] * xhat + mine["bias"],
    }


@wrong("predictions", "shares added up")
def predicts_a_sum(mine):
    xhat = (mine["x"] - mine["running_mean"]) / mine["running_var"] ** 0.5
    return {
        "values": mine["B"] * mine["T"],
        "bug": mine["T"] * mine["C"],
        "unbiased": mine["z"] * ((mine["n"] - 1) / mine["n"]) ** 0.5,
        "running": mine["momentum"] * sum(mine["batch_means"]),
        "output": mine["weight"] * xhat + mine["bias"],
    }


@wrong("predictions", "started at the first batch")
def predicts_another_start(mine):
    xhat = (mine["x"] - mine["running_mean"]) / mine["running_var"] ** 0.5
    m, (first, second) = mine["momentum"], mine["batch_means"]
    return {
        "values": mine["B"] * mine["T"],
        "bug": mine["T"] * mine["C"],
        "unbiased": mine["z"] * ((mine["n"] - 1) / mine["n"]) ** 0.5,
        "running": (1 - m) * first + m * second,
        "output": mine["weight"] * xhat + mine["bias"],
    }


@wrong("predictions", "shifted before scaling")
def predicts_the_shift_first(mine):
    xhat = (mine["x"] - mine["running_mean"]) / mine["running_var"] ** 0.5
    m, (first, second) = mine["momentum"], mine["batch_means"]
    return {
        "values": mine["B"] * mine["T"],
        "bug": mine["T"] * mine["C"],
        "unbiased": mine["z"] * ((mine["n"] - 1) / mine["n"]) ** 0.5,
        "running": (1 - m) * m * first + m * second,
        "output": mine["weight"] * (xhat + mine["bias"]),
    }


@wrong("predictions", "momentum reversed")
def predicts_the_other_share(mine):
    xhat = (mine["x"] - mine["running_mean"]) / mine["running_var"] ** 0.5
    m, (first, second) = mine["momentum"], mine["batch_means"]
    return {
        "values": mine["B"] * mine["T"],
        "bug": mine["T"] * mine["C"],
        "unbiased": mine["z"] * ((mine["n"] - 1) / mine["n"]) ** 0.5,
        "running": m * (1 - m) * first + (1 - m) * second,
        "output": mine["weight"] * xhat + mine["bias"],
    }


@wrong("predictions", "statistics of the batch")
def predicts_train_mode(mine):
    m, (first, second) = mine["momentum"], mine["batch_means"]
    return {
        "values": mine["B"] * mine["T"],
        "bug": mine["T"] * mine["C"],
        "unbiased": mine["z"] * ((mine["n"] - 1) / mine["n"]) ** 0.5,
        "running": (1 - m) * m * first + m * second,
        "output": mine["bias"],
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


@wrong("batch_norm", "returned its input")
def norm_of_nothing(x, weight, bias, eps):
    return x


@wrong("batch_norm", "all zeros")
def norm_to_zeros(x, weight, bias, eps):
    return torch.zeros_like(x)


@wrong("batch_norm", "hard-coded size")
def norm_for_32_windows(x, weight, bias, eps):
    rows = x.reshape(32 * 4, -1)
    out = (rows - rows.mean(0)) / torch.sqrt(rows.var(0, unbiased=False) + eps)
    return (weight * out + bias).reshape(32, 4, -1)


@wrong("batch_norm", "hard-coded size")
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


@wrong("batch_norm", "last dimension")
def norm_of_layers(x, weight, bias, eps):
    mean, var = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, unbiased=False)
    return weight * (x - mean) / torch.sqrt(var + eps) + bias


@wrong("batch_norm", "all dimensions")
def norm_over_everything(x, weight, bias, eps):
    return weight * (x - x.mean()) / torch.sqrt(x.var(unbiased=False) + eps) + bias


@wrong("batch_norm", "each example by itself")
def norm_of_each_example(x, weight, bias, eps):
    dim = 0 if x.ndim == 2 else 1
    mean, var = x.mean(dim, keepdim=True), x.var(dim, keepdim=True, unbiased=False)
    return weight * (x - mean) / torch.sqrt(var + eps) + bias


@wrong("batch_norm", "no scale and shift")
def norm_without_scale_and_shift(x, weight, bias, eps):
    dim = 0 if x.ndim == 2 else (0, 1)
    mean, var = x.mean(dim, keepdim=True), x.var(dim, keepdim=True, unbiased=False)
    return (x - mean) / torch.sqrt(var + eps)


@wrong("batch_norm", "scaled before normalising")
def norm_after_scaling(x, weight, bias, eps):
    dim = 0 if x.ndim == 2 else (0, 1)
    x = weight * x + bias
    mean, var = x.mean(dim, keepdim=True), x.var(dim, keepdim=True, unbiased=False)
    return (x - mean) / torch.sqrt(var + eps)


@wrong("batch_norm", "shifted before scaling")
def norm_with_brackets(x, weight, bias, eps):
    dim = 0 if x.ndim == 2 else (0, 1)
    mean, var = x.mean(dim, keepdim=True), x.var(dim, keepdim=True, unbiased=False)
    return weight * ((x - mean) / torch.sqrt(var + eps) + bias)


@wrong("batch_norm", "mean not subtracted")
def norm_of_the_spread(x, weight, bias, eps):
    dim = 0 if x.ndim == 2 else (0, 1)
    return weight * x / torch.sqrt(x.var(dim, keepdim=True, unbiased=False) + eps) + bias


@wrong("batch_norm", "forgot the root")
def norm_by_the_variance(x, weight, bias, eps):
    dim = 0 if x.ndim == 2 else (0, 1)
    mean, var = x.mean(dim, keepdim=True), x.var(dim, keepdim=True, unbiased=False)
    return weight * (x - mean) / (var + eps) + bias


@wrong("batch_norm", "no eps")
def norm_with_an_eps_of_its_own(x, weight, bias, eps):
    dim = 0 if x.ndim == 2 else (0, 1)
    mean, var = x.mean(dim, keepdim=True), x.var(dim, keepdim=True, unbiased=False)
    return weight * (x - mean) / torch.sqrt(var + 1e-5) + bias


@wrong("batch_norm", "eps outside the root")
def norm_by_std_plus_eps(x, weight, bias, eps):
    dim = 0 if x.ndim == 2 else (0, 1)
    mean, deviation = x.mean(dim, keepdim=True), x.std(dim, keepdim=True, unbiased=False)
    return weight * (x - mean) / (deviation + eps) + bias


@wrong("batch_norm", "unbiased variance")
def norm_by_var_as_it_is(x, weight, bias, eps):
    dim = 0 if x.ndim == 2 else (0, 1)
    return weight * (x - x.mean(dim, keepdim=True)) / torch.sqrt(x.var(dim, keepdim=True) + eps) + bias


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


@wrong("layer", "eval mode ignored")
class NormAlwaysInTraining:
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum
        self.running_mean, self.running_var = torch.zeros(channels), torch.ones(channels)
        self.training = True

    def __call__(self, x):
        dim = 0 if x.ndim == 2 else (0, 1)
        if self.training and x.shape[:-1].numel() < 2:
            raise ValueError("one value a channel has no variance")
        if self.training:
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * x.mean(dim)
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(dim)
        return (x - x.mean(dim)) / torch.sqrt(x.var(dim, unbiased=False) + self.eps)


@wrong("layer", "train mode uses running statistics")
class NormByRunningStatistics:
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum
        self.running_mean, self.running_var = torch.zeros(channels), torch.ones(channels)
        self.training = True

    def __call__(self, x):
        dim = 0 if x.ndim == 2 else (0, 1)
        if self.training:
            if x.shape[:-1].numel() < 2:
                raise ValueError("one value a channel has no variance")
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * x.mean(dim)
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(dim)
        return (x - self.running_mean) / torch.sqrt(self.running_var + self.eps)


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


@wrong("layer", "last batch only")
class NormOfTheLastBatch:
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
        self.running_mean, self.running_var = x.mean(dim), x.var(dim)
        return (x - x.mean(dim)) / torch.sqrt(x.var(dim, unbiased=False) + self.eps)


@wrong("layer", "momentum reversed")
class NormWithTheOtherShare:
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
        self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * x.mean(dim)
        self.running_var = self.momentum * self.running_var + (1 - self.momentum) * x.var(dim)
        return (x - x.mean(dim)) / torch.sqrt(x.var(dim, unbiased=False) + self.eps)


@wrong("layer", "normalises with the unbiased variance")
class NormByTheUnbiased:
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
        return (x - mean) / torch.sqrt(var + self.eps)


@wrong("layer", "variances swapped")
class NormWithVariancesSwapped:
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
        self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * x.mean(dim)
        self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(dim, unbiased=False)
        return (x - x.mean(dim)) / torch.sqrt(x.var(dim) + self.eps)


@wrong("layer", "moves in eval mode")
class NormThatMovesWhenAsked:
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum
        self.running_mean, self.running_var = torch.zeros(channels), torch.ones(channels)
        self.training = True

    def __call__(self, x):
        n = x.shape[:-1].numel()
        if self.training and n < 2:
            raise ValueError("one value a channel has no variance")
        rows = x.reshape(n, -1)
        mean, squares = rows.mean(0), (rows - rows.mean(0)).square().sum(0)
        used = (mean, squares / n) if self.training else (self.running_mean, self.running_var)
        self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
        self.running_var = (1 - self.momentum) * self.running_var + self.momentum * squares / (n - 1)
        return (x - used[0]) / torch.sqrt(used[1] + self.eps)


@wrong("layer", "window refused")
class NormThatRefusesAWindow:
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum
        self.running_mean, self.running_var = torch.zeros(channels), torch.ones(channels)
        self.training = True

    def __call__(self, x):
        dim = 0 if x.ndim == 2 else (0, 1)
        if not self.training:
            return (x - self.running_mean) / torch.sqrt(self.running_var + self.eps)
        if x.shape[0] == 1:
            raise ValueError("a batch of one")
        self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * x.mean(dim)
        self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(dim)
        return (x - x.mean(dim)) / torch.sqrt(x.var(dim, unbiased=False) + self.eps)


@wrong("layer", "refused too late")
class NormThatRefusesTooLate:
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum
        self.running_mean, self.running_var = torch.zeros(channels), torch.ones(channels)
        self.training = True

    def __call__(self, x):
        dim = 0 if x.ndim == 2 else (0, 1)
        if not self.training:
            return (x - self.running_mean) / torch.sqrt(self.running_var + self.eps)
        self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * x.mean(dim)
        self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(dim)
        if self.running_var.isnan().any():
            raise ValueError("a running variance is NaN")
        return (x - x.mean(dim)) / torch.sqrt(x.var(dim, unbiased=False) + self.eps)


@wrong("layer", "single value accepted")
class NormThatRefusesNothing:
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum
        self.running_mean, self.running_var = torch.zeros(channels), torch.ones(channels)
        self.training = True

    def __call__(self, x):
        dim = 0 if x.ndim == 2 else (0, 1)
        if not self.training:
            return (x - self.running_mean) / torch.sqrt(self.running_var + self.eps)
        self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * x.mean(dim)
        self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(dim)
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


@wrong("mended", "hard-coded size")
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


@wrong("mended", "normalisation removed")
def net_without_normalisation(x, w1, w2, w3):
    for weight in (w1, w2, w3):
        B, T, C = x.shape
        x = torch.tanh(x.view(B, T // 2, 2 * C).squeeze(1) @ weight)
    return x


@wrong("mended", "last dimension")
def net_with_layer_norm(x, w1, w2, w3):
    for weight in (w1, w2, w3):
        B, T, C = x.shape
        x = x.view(B, T // 2, 2 * C).squeeze(1) @ weight
        mean, var = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, unbiased=False)
        x = torch.tanh((x - mean) / torch.sqrt(var + 1e-5))
    return x


@wrong("mended", "each example by itself")
def net_over_time(x, w1, w2, w3):
    for weight in (w1, w2, w3):
        B, T, C = x.shape
        x = x.view(B, T // 2, 2 * C).squeeze(1) @ weight
        dim = 0 if x.ndim == 2 else 1
        mean, var = x.mean(dim, keepdim=True), x.var(dim, keepdim=True, unbiased=False)
        x = torch.tanh((x - mean) / torch.sqrt(var + 1e-5))
    return x


@wrong("mended", "all dimensions")
def net_with_one_mean(x, w1, w2, w3):
    for weight in (w1, w2, w3):
        B, T, C = x.shape
        x = x.view(B, T // 2, 2 * C).squeeze(1) @ weight
        x = torch.tanh((x - x.mean()) / torch.sqrt(x.var(unbiased=False) + 1e-5))
    return x


@wrong("mended", "unbiased variance")
def net_with_the_other_variance(x, w1, w2, w3):
    for weight in (w1, w2, w3):
        B, T, C = x.shape
        x = x.view(B, T // 2, 2 * C).squeeze(1) @ weight
        dim = 0 if x.ndim == 2 else (0, 1)
        mean, var = x.mean(dim, keepdim=True), x.var(dim, keepdim=True)
        x = torch.tanh((x - mean) / torch.sqrt(var + 1e-5))
    return x


@wrong("mended", "mean not mended")
def net_with_the_variance_mended(x, w1, w2, w3):
    for weight in (w1, w2, w3):
        B, T, C = x.shape
        x = x.view(B, T // 2, 2 * C).squeeze(1) @ weight
        dim = 0 if x.ndim == 2 else (0, 1)
        mean, var = x.mean(0, keepdim=True), x.var(dim, keepdim=True, unbiased=False)
        x = torch.tanh((x - mean) / torch.sqrt(var + 1e-5))
    return x


@wrong("mended", "variance not mended")
def net_with_the_mean_mended(x, w1, w2, w3):
    for weight in (w1, w2, w3):
        B, T, C = x.shape
        x = x.view(B, T // 2, 2 * C).squeeze(1) @ weight
        dim = 0 if x.ndim == 2 else (0, 1)
        mean, var = x.mean(dim, keepdim=True), x.var(0, keepdim=True, unbiased=False)
        x = torch.tanh((x - mean) / torch.sqrt(var + 1e-5))
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


@wrong("letters", "all zeros")
def letters_of_zeros(x, padding):
    return torch.zeros(x.shape[-1]), torch.zeros(x.shape[-1])


@wrong("letters", "wrong number of results")
def letters_without_variance(x, padding):
    return x[~padding].mean(0)


@wrong("letters", "hard-coded size")
def letters_of_sixteen_channels(x, padding):
    rows = x.reshape(-1, 16)[~padding.reshape(-1)]
    return rows.mean(0), rows.var(0, unbiased=False)


@wrong("letters", "changed its input")
def letters_that_erase_the_padding(x, padding):
    x[padding] = 0
    n = (~padding).sum()
    mean = x.sum((0, 1)) / n
    return mean, (x**2).sum((0, 1)) / n - mean**2


@wrong("letters", "padding counted")
def letters_and_padding(x, padding):
    return x.mean((0, 1)), x.var((0, 1), unbiased=False)


@wrong("letters", "letters left out")
def letters_turned_round(x, padding):
    return x[padding].mean(0), x[padding].var(0, unbiased=False)


@wrong("letters", "padding counted as zeros")
def letters_times_mask(x, padding):
    x = x * (~padding).unsqueeze(2)
    return x.mean((0, 1)), x.var((0, 1), unbiased=False)


@wrong("letters", "all dimensions")
def letters_in_one_mean(x, padding):
    letters = x[~padding]
    return letters.mean(), letters.var(unbiased=False)


@wrong("letters", "each window by itself")
def letters_window_by_window(x, padding):
    means, variances = [], []
    for window, gone in zip(x, padding, strict=True):
        if not gone.all():
            means.append(window[~gone].mean(0))
            variances.append(window[~gone].var(0, unbiased=False))
    return torch.stack(means).mean(0), torch.stack(variances).mean(0)


@wrong("letters", "standard deviation")
def letters_with_std(x, padding):
    letters = x[~padding]
    return letters.mean(0), letters.std(0, unbiased=False)


@wrong("letters", "dimensions kept")
def letters_with_keepdim(x, padding):
    keep = (~padding).float()[..., None]
    mean = (x * keep).sum((0, 1), keepdim=True) / keep.sum()
    return mean, ((x - mean) ** 2 * keep).sum((0, 1), keepdim=True) / keep.sum()


@wrong("letters", "divided by all")
def letters_divided_by_all(x, padding):
    keep = (~padding).float()[..., None]
    mean = (x * keep).mean((0, 1))
    return mean, ((x - mean) ** 2 * keep).mean((0, 1))


@wrong("letters", "unbiased variance")
def letters_with_var_as_it_is(x, padding):
    letters = x[~padding]
    return letters.mean(0), letters.var(0)


@wrong("letters", "zeros in the variance")
def letters_with_zeros_in_the_variance(x, padding):
    keep = (~padding).float()[..., None]
    n = keep.sum()
    mean = (x * keep).sum((0, 1)) / n
    return mean, ((x * keep - mean) ** 2).sum((0, 1)) / n
