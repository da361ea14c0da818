"""Looks into a net: linear probes, gradients, the loss along the gradient, the statistics of batches."""

import copy

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

Windows = tuple[Int[Tensor, "N T"], Int[Tensor, "N"]]


def linear_probe(
    features: Float[Tensor, "N C"],
    labels: Int[Tensor, "N"],
    held_out: Bool[Tensor, "N"],
    ridge: float = 1e-2,
) -> float:
    """How well a linear classifier reads the labels off the features: its accuracy on examples it was not fitted to.

    The classifier is the least-squares fit to one-hot labels with a ridge penalty, in closed form, so that a probe has no
    training of its own to go wrong.

    Args:
        features: (N, C), a row an example; they are standardised first.
        labels: (N,) class numbers from 0.
        held_out: (N,) True for the examples to test on, the others are fitted.
        ridge: the penalty, as a share of the number of examples.

    Returns:
        The share of held-out examples whose label is told right, from 0 to 1.

    Raises:
        ValueError: no example to fit or none to test.

    Source: Alain and Bengio 2016 (probes); Hoerl and Kennard 1970 (ridge).
    """
    if held_out.all() or not held_out.any():
        raise ValueError(
            f"a probe needs examples to fit and to test; {int(held_out.sum())} of {len(held_out)} are held out."
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
    """What the embedding and each stage give for these windows, in eval mode: a list of (N, time steps, channels)."""
    model = copy.deepcopy(model).eval()
    outputs, x = [], X
    with torch.no_grad():
        for name, layer in model.named_children():
            if name != "head":
                x = layer(x)
                outputs.append(x.unsqueeze(1) if x.ndim == 2 else x)
    return outputs


def settle(model: nn.Module, X: Int[Tensor, "N T"], batches: int = 50, batch_size: int = 512) -> nn.Module:
    """A copy of an untrained net whose running statistics are those of the data, as after a training at learning rate 0."""
    model = copy.deepcopy(model).train()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        for _ in range(batches):
            model(X[torch.randint(len(X), (batch_size,), generator=generator)])
    return model.eval()


def span_features(outputs: list[Float[Tensor, "N _ _"]], depth: int, span: int) -> Float[Tensor, "N D"]:
    """The newest outputs of one depth that together see the last `span` letters, side by side; depth 0 is the embedding."""
    out = outputs[depth]
    seen = 8 // out.shape[1]  # letters that one time step of this depth has seen
    return out[:, -max(1, span // seen) :].flatten(1)


def gradient_gain(model: nn.Sequential, X: Int[Tensor, "B T"], Y: Int[Tensor, "B"]) -> float:
    """The norm of the loss's gradient at the embedding's output over that at the last hidden layer's output, in train mode.

    1 means that the layers between pass the gradient on whole, below 1 that they weaken it. The model is left as it was.
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
    """How smooth the loss is along its gradient, in train mode. The model is left as it was.

    From the weights, walk against the gradient in equal steps, to a distance of `reach` times the norm of all weights.

    Returns:
        loss range: highest minus lowest loss on the way, nats a letter. gradient change: the largest distance between the
        gradient on the way and the one at the start, over the norm of the latter; 0 for a loss whose gradient is constant.

    Source: after Santurkar et al. 2018, figure 4, which takes steps of the learning rate.
    """
    model = copy.deepcopy(model).train()
    parameters = list(model.parameters())

    def look() -> tuple[float, list[Tensor]]:
        with torch.random.fork_rng(devices=[]):  # a net with noise in it gets the same noise at every point
            torch.manual_seed(0)
            loss = F.cross_entropy(model(X), Y)
        return loss.item(), list(torch.autograd.grad(loss, parameters))

    norm = lambda tensors: torch.stack([t.norm() for t in tensors]).norm()
    loss, start = look()
    losses, changes = [loss], []
    step = reach / points * norm(parameters) / norm(start)
    for _ in range(points):
        with torch.no_grad():
            for p, g in zip(parameters, start, strict=True):
                p -= step * g
        loss, gradient = look()
        losses.append(loss)
        changes.append((norm([a - b for a, b in zip(gradient, start, strict=True)]) / norm(start)).item())
    return max(losses) - min(losses), max(changes)


def statistics_spread(
    model: nn.Sequential, X: Int[Tensor, "N T"], batch_size: int = 32, batches: int = 100
) -> tuple[float, float, float]:
    """How much the means that a BatchNorm sees differ, at the first stage's Linear: between batches, and between positions.

    All are in standard deviations of the channel, averaged over the channels.

    Returns:
        between batches over dim 0 (a mean for each position), between batches over dims (0, 1), and between positions
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
