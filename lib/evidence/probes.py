"""Diagnostics of a net: linear probes, loss by rarity, gradient norms, smoothness of the loss, batch statistics."""

import copy
import statistics
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from lib.data import Vocabulary

Windows = tuple[Int[Tensor, "N T"], Int[Tensor, "N"]]
RARITIES = ("never", "1 to 9", "10 to 99", "100 or more")
SPANS = {"pair": 2, "quad": 4, "eight": 8}


def linear_probe(
    features: Float[Tensor, "N C"],
    labels: Int[Tensor, "N"],
    held_out: Bool[Tensor, "N"],
    ridge: float = 1e-2,
) -> float:
    """Accuracy on held-out examples of a linear classifier from features to labels.

    The classifier is the least-squares fit to one-hot labels with a ridge penalty, in closed form.

    Args:
        features: (N, C), one row per example; they are standardised first.
        labels: (N,) class numbers from 0.
        held_out: (N,) True for the examples to test on; the classifier is fitted to the others.
        ridge: the penalty per example.

    Returns:
        The accuracy, from 0 to 1.

    Raises:
        ValueError: no example to fit or none to test.

    Source: Alain and Bengio 2016 (probes); Hoerl and Kennard 1970 (ridge).
    """
    if held_out.all() or not held_out.any():
        raise ValueError(
            f"Expected examples to fit and to test, got {int(held_out.sum())} of {len(held_out)} held out."
        )
    x = features.double()
    fit = x[~held_out]
    x = (x - fit.mean(0)) / fit.std(0).clamp(min=1e-9)
    x = torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], dim=1)  # (N, C + 1): a bias
    fit = x[~held_out]
    targets = F.one_hot(labels).double()[~held_out]
    gram = fit.T @ fit + ridge * len(fit) * torch.eye(fit.shape[1], dtype=x.dtype)
    weights = torch.linalg.solve(gram, fit.T @ targets)
    return ((x[held_out] @ weights).argmax(1) == labels[held_out]).double().mean().item()


def stage_outputs(model: nn.Sequential, X: Int[Tensor, "N T"]) -> list[Float[Tensor, "N _ _"]]:
    """The outputs of the embedding and of each stage in eval mode: a list of (N, time steps, channels)."""
    model = copy.deepcopy(model).eval()
    outputs, x = [], X
    with torch.no_grad():
        for name, layer in model.named_children():
            if name != "head":
                x = layer(x)
                outputs.append(x.unsqueeze(1) if x.ndim == 2 else x)
    return outputs


def recalibrate(model: nn.Module, X: Int[Tensor, "N T"], batches: int = 50, batch_size: int = 512) -> nn.Module:
    """A copy of a net with BatchNorm running statistics of the data, as after training at learning rate 0.

    `torch.optim.swa_utils.update_bn` finds subclasses of torch's own BatchNorm only, and averages all batches alike.
    """
    model = copy.deepcopy(model).train()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        for _ in range(batches):
            model(X[torch.randint(len(X), (batch_size,), generator=generator)])
    return model.eval()


def span_features(outputs: list[Float[Tensor, "N _ _"]], depth: int, span: int) -> Float[Tensor, "N D"]:
    """The last outputs of one depth that see the last `span` characters, concatenated; depth 0 is the embedding."""
    out = outputs[depth]
    seen = 8 // out.shape[1]  # characters seen by one time step of this depth
    return out[:, -max(1, span // seen) :].flatten(1)


def gradient_gain(model: nn.Sequential, X: Int[Tensor, "B T"], Y: Int[Tensor, "B"]) -> float:
    """Gradient norm at the embedding's output over that at the last hidden layer's output, in train mode.

    Below 1 the layers between weaken the gradient. The model is not changed.
    """
    model = copy.deepcopy(model).train()
    hidden = []
    model.embedding.register_forward_hook(lambda *a: hidden.append(a[2]))
    model.head.register_forward_pre_hook(lambda _, inputs: hidden.append(inputs[0]))
    with torch.random.fork_rng(devices=[]):
        first, last = torch.autograd.grad(F.cross_entropy(model(X), Y), hidden)
    return (first.norm() / last.norm()).item()


def along_the_gradient(
    model: nn.Module, X: Int[Tensor, "B T"], Y: Int[Tensor, "B"], reach: float = 0.02, points: int = 4
) -> tuple[float, float]:
    """Smoothness of the loss along its gradient, in train mode. The model is not changed.

    From the weights, walks against the gradient in equal steps, to a distance of `reach` times the norm of all weights.

    Returns:
        loss range: highest minus lowest loss along the path, nats per character. gradient change: the largest distance
        between a gradient on the path and the first, divided by the norm of the first; 0 for a constant gradient.

    Source: after Santurkar et al. 2018, figure 4, which takes steps of the learning rate.
    """
    model = copy.deepcopy(model).train()
    parameters = list(model.parameters())

    def measure() -> tuple[float, list[Tensor]]:
        with torch.random.fork_rng(devices=[]):  # the same noise at every point
            torch.manual_seed(0)
            loss = F.cross_entropy(model(X), Y)
        return loss.item(), list(torch.autograd.grad(loss, parameters))

    norm = lambda tensors: torch.stack([t.norm() for t in tensors]).norm()
    loss, start = measure()
    losses, changes = [loss], []
    step = reach / points * norm(parameters) / norm(start)
    for _ in range(points):
        with torch.no_grad():
            for p, g in zip(parameters, start, strict=True):
                p -= step * g
        loss, gradient = measure()
        losses.append(loss)
        changes.append((norm([a - b for a, b in zip(gradient, start, strict=True)]) / norm(start)).item())
    return max(losses) - min(losses), max(changes)


def statistics_spread(
    model: nn.Sequential, X: Int[Tensor, "N T"], batch_size: int = 32, batches: int = 100
) -> tuple[float, float, float]:
    """Spread of the means that BatchNorm sees at the output of the first stage's Linear.

    Each is in standard deviations of its channel, averaged over the channels.

    Returns:
        between batches over dim 0 (one mean per position), between batches over dims (0, 1), and between positions
        (of the means over all batches).
    """
    model = copy.deepcopy(model).eval()
    seen: list[Tensor] = []
    model.stage1.parts.linear.register_forward_hook(lambda *a: seen.append(a[2]))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        model(X[torch.randint(len(X), (batches * batch_size,), generator=generator)])
    x = seen[0] / seen[0].std((0, 1))  # (batches * B, T, C): in standard deviations
    means = x.unflatten(0, (batches, batch_size)).mean(1)  # (batches, T, C)
    return means.std(0).mean().item(), means.mean(1).std(0).mean().item(), means.mean(0).std(0).mean().item()


def letters_readable(model: nn.Sequential, X: Int[Tensor, "N T"], held_out: Bool[Tensor, "N"]) -> dict[str, float]:
    """Accuracy of linear probes that read the letters seen by the last output of each stage; padding is left out."""
    outputs, accuracy = stage_outputs(model, X), {}
    for depth in (1, 2, 3):
        right, letters = 0.0, 0
        for back in range(1, 2**depth + 1):
            kept = X[:, -back] != 0
            n = int((kept & held_out).sum())
            right += n * linear_probe(outputs[depth][kept, -1], X[kept, -back], held_out[kept])
            letters += n
        accuracy[f"letters, stage {depth}"] = right / letters
    return accuracy


def combinations_readable(
    nets: Mapping[str, nn.Sequential], windows: Windows, vocabulary: Vocabulary, seed: int
) -> dict[str, float]:
    """Accuracy of linear probes that read, at each depth, whether a vowel usually follows a pair, a quad, an eight.

    Five folds, each of combinations that the probe was not fitted to.

    Args:
        nets: by the name that they get in the result, `"pair, NAME 0"` to `"eight, NAME 3"`.
        windows: X and Y of the training names.
        vocabulary: of the windows.
        seed: of the examples and the folds.
    """
    X, Y = windows
    vowel = torch.isin(Y, torch.tensor(vocabulary.encode("aeiouy"))).float()
    generator = torch.Generator().manual_seed(seed)
    accuracy = {}
    for name, span in SPANS.items():
        examples, labels = _combinations(X, vowel, span, generator)
        fold = torch.randperm(len(labels), generator=generator) % 5
        share = labels.double().mean().item()
        accuracy[f"{name}, majority"] = max(share, 1 - share)
        for net, model in nets.items():
            outputs = stage_outputs(model, examples)
            for depth in range(4):
                features = span_features(outputs, depth, span)
                folds = (linear_probe(features, labels, fold == i) for i in range(5))
                accuracy[f"{name}, {net} {depth}"] = statistics.mean(folds)
    return accuracy


def _combinations(
    X: Int[Tensor, "N T"], vowel: Float[Tensor, "N"], span: int, generator: torch.Generator
) -> tuple[Int[Tensor, "M T"], Int[Tensor, "M"]]:
    """One random window per combination of the last `span` characters that occurs at least five times, and its label.

    Pairs and quads are of letters only, eights may have padding. The label is 1 where a vowel follows in most cases.
    """
    _, which, count = _codes(X, span).unique(return_inverse=True, return_counts=True)
    vowels = torch.zeros(len(count)).index_add_(0, which, vowel)
    shuffled = torch.randperm(len(X), generator=generator)
    example = torch.empty(len(count), dtype=torch.int64)
    example[which[shuffled]] = shuffled
    chosen = count >= 5
    if span < 8:
        chosen &= (X[example, -span:] != 0).all(1)
    return X[example[chosen]], (vowels / count > 0.5).long()[chosen]


def _codes(X: Int[Tensor, "N T"], span: int) -> Int[Tensor, "N"]:
    """The last `span` characters of each window as one number."""
    return (X[:, -span:] * 27 ** torch.arange(span)).sum(1)


def losses(model: nn.Module, X: Int[Tensor, "N T"], Y: Int[Tensor, "N"]) -> Float[Tensor, "N"]:
    """The cross-entropy of each window in eval mode, float64. The model is not changed."""
    with torch.no_grad():
        return F.cross_entropy(copy.deepcopy(model).eval()(X), Y, reduction="none").double()


def loss_by_rarity(loss: Float[Tensor, "N"], X: Int[Tensor, "N T"], train_X: Int[Tensor, "M T"]) -> dict[str, float]:
    """Mean loss by how often a window's last four characters occur in the training windows."""
    seen, count = _codes(train_X, 4).unique(return_counts=True)
    codes = _codes(X, 4)
    place = torch.searchsorted(seen, codes).clamp(max=len(seen) - 1)
    times = torch.where(seen[place] == codes, count[place], 0)
    bins = torch.bucketize(times, torch.tensor([1, 10, 100]), right=True)
    return {f"val, seen {name}": loss[bins == i].mean().item() for i, name in enumerate(RARITIES)}


def standard_error(loss: Float[Tensor, "N"], Y: Int[Tensor, "N"]) -> float:
    """Standard error of the mean loss if names, not windows, are drawn independently.

    Args:
        loss: (N,), one per window.
        Y: (N,) targets; a name ends with its stop mark, 0.
    """
    name = (Y == 0).cumsum(0) - (Y == 0).long()  # (N,): index of each window's name
    off = torch.zeros(int(name.max()) + 1, dtype=loss.dtype).index_add_(0, name, loss - loss.mean())
    return (off.square().sum().sqrt() / len(Y)).item()
