"""How the graders call a student's answer, and the nets that answers are tried on.

The grader copies this file into its sandbox, where submissions can read it: no solutions, no imports but torch and lib.
A probe takes the answer and one case, and returns what is compared; None if the answer returned nothing.
"""

import copy
import functools
import re
from collections import Counter
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from lib.checks.exercise import note, watched


def nothing(result: object) -> bool:
    """Whether a function was left unfinished."""
    return result is None or result is ...


def embed(answer: Callable, ids: Tensor, table: Tensor) -> object:
    """The result; a note if a row that is not looked up, of numbers that are not finite, has no part in it."""
    out, spoiled = answer(ids, table), table.clone()
    spoiled[[row for row in range(int(ids.max())) if not (ids == row).any()]] = torch.nan
    if spoiled.isnan().any() and isinstance(out, Tensor):
        out_of_spoiled = answer(ids.clone(), spoiled)
        if isinstance(out_of_spoiled, Tensor) and not out_of_spoiled.isnan().any():
            note("looked up")
    return out


def flatten(answer: Callable, n: int, x: Tensor) -> object:
    """The output of the layer, or how it rejects sizes that do not fit."""
    try:
        return answer(n)(x)
    except ValueError as error:
        named = {str(n), str(x.shape[1])} <= {*re.findall(r"\d+", str(error))}
        return f"rejected with T={x.shape[1]} and n={n}" if named else "rejected without the sizes"
    except RuntimeError:
        if x.shape[1] % n:
            return "an error of torch's own"
        raise


def reading_net(kind: str, T: int, C: int, seed: int) -> Callable[[Tensor], Tensor]:
    """A net (B, T, C) -> (B, places, 5), or (B, 5) for the "top", whose places read different time steps."""
    generator = torch.Generator().manual_seed(seed)
    left, right = torch.rand(2, T, 1, generator=generator) + 0.5
    weight = torch.randn(C, 5, generator=generator) / C
    activation = {"squares": torch.square, "falling": lambda y: -y, "balanced": lambda y: y}.get(kind, torch.tanh)
    if kind == "falling":  # slopes below zero, and small ones
        weight, right = weight.abs(), right * 1e-4
    if kind == "balanced":  # neither the first nor the last channels and outputs count, and slopes add up to zero
        weight = torch.zeros(C, 5)
        weight[1, 1:4], weight[2, 1:4] = 0.5, -0.5

    def net(x: Tensor) -> Tensor:
        y = activation(x @ weight)
        if kind == "balanced":  # no slope, but a change for those who try instead
            y = y + torch.floor(16 * x[..., 1:2]) / 16 * weight[1].sign()
        if kind == "top":
            return (left * y).sum(1)
        if kind == "strided":
            a, b = y.chunk(2, dim=1)
        elif kind == "causal":
            a, b = F.pad(y, (0, 0, 1, 0))[:, :-1], y
        else:
            a, b = y[:, 0::2], y[:, 1::2]
        return left[: a.shape[1]] * a + right[: b.shape[1]] * b

    return net


def seen(answer: Callable, kind: str, T: int, C: int, seed: int) -> object:
    """What the answer says the places of a net depend on."""
    return answer(reading_net(kind, T, C, seed), T, C)


def norm_results(first: object, second: object, asked: object, mean: Tensor, var: Tensor) -> dict[str, object]:
    """Two batches in train mode and one in eval mode: the outputs, and the running statistics after them."""
    names = ("first batch", "second batch", "running_mean", "running_var", "eval mode")
    return dict(zip(names, (first, second, mean, var, asked), strict=True))


def norm_layer(answer: Callable, settings: dict, *batches: Tensor) -> object:
    """What the layer makes of two batches in train mode and one in eval mode."""
    layer, outputs = answer(batches[0].shape[-1], settings["eps"], settings["momentum"]), []
    if nothing(layer):
        return None
    for number, x in enumerate(batches):
        layer.training = number < 2
        try:
            outputs.append(layer(x))
        except ValueError:
            outputs.append("rejected")
    return None if all(map(nothing, outputs)) else norm_results(*outputs, layer.running_mean, layer.running_var)


def step(answer: Callable, *case: object) -> object:
    """The answer's result, its last part as a plain number if it is a tensor of one element."""
    result = answer(*case)
    if isinstance(result, (tuple, list)) and result and isinstance(result[-1], Tensor) and result[-1].numel() == 1:
        return *result[:-1], result[-1].item()
    return result


def learning_rates(answer: Callable, steps: int, *rest: object) -> Tensor | None:
    """The learning rate of every step."""
    rates = [answer(step, steps, *rest) for step in range(steps)]
    return None if any(map(nothing, rates)) else torch.tensor([float(rate) for rate in rates])


def training(answer: Callable, *case: object) -> object:
    """The answer's result, the losses as one tensor."""
    result = answer(*case)
    if isinstance(result, (tuple, list)) and result and isinstance(result[-1], (tuple, list)):
        return *result[:-1], torch.tensor([float(loss) for loss in result[-1]])
    return result


def small_net(vocabulary: int, context: int, seed: int) -> nn.Sequential:
    """A net, in train mode, with two BatchNorms whose running statistics are not those of the batches it will see."""
    return watched(copy.deepcopy(_small_net(vocabulary, context, seed)))


@functools.lru_cache(maxsize=64)
def _small_net(vocabulary: int, context: int, seed: int) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = [nn.Embedding(vocabulary, 4), nn.Flatten(), nn.Linear(4 * context, 12), nn.BatchNorm1d(12), nn.Tanh()]
        net = nn.Sequential(*layers, nn.Sequential(nn.Linear(12, 12), nn.BatchNorm1d(12), nn.Tanh()))
        for norm in norms(net):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
        net.append(nn.Linear(12, vocabulary))
        net[-1].weight.data *= 4
    return net


def norms(net: nn.Module) -> list[nn.Module]:
    """The BatchNorms of a net."""
    return [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm1d)]


class Record(list):
    """The size of each batch that a net or a copy of it got, and whether torch recorded it."""

    def __deepcopy__(self, memo: dict) -> "Record":
        return self


class Watched(nn.Module):
    """The net, and a record of the batches that it got."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net, self.record = net, Record()

    def forward(self, x: Tensor) -> Tensor:
        out = self.net(x)
        self.record.append((len(x), out.requires_grad))
        return out


def changed(net: nn.Module, before: dict[str, Tensor]) -> bool:
    """Whether weights or running statistics differ from a state_dict; the number of batches seen does not count."""
    counter = "num_batches_tracked"
    return any(not torch.equal(before[k], value) for k, value in net.state_dict().items() if not k.endswith(counter))


def evaluation_results(loss: object, sizes: list[int], mode: str, moved: bool, recorded: bool) -> dict[str, object]:
    """The loss, and what happened to the net."""
    return {
        "loss": loss,
        "sizes of the pieces": sorted(Counter(sizes).items()),
        "mode afterwards": mode,
        "running statistics moved": moved,
        "gradients recorded": recorded,
    }


def evaluation(answer: Callable, X: Tensor, Y: Tensor, settings: dict) -> object:
    """The loss that the answer measures, and what happened to the net."""
    net = small_net(settings["vocabulary"], X.shape[1], settings["net"])
    before, wrapped = copy.deepcopy(net.state_dict()), Watched(net).train(settings["mode"] == "train")
    loss = answer(wrapped, X, Y, settings["piece"])
    if nothing(loss):
        return None
    modes, other = {layer.training for layer in wrapped.modules()}, {"train": "eval", "eval": "train"}
    mode = settings["mode"] if modes == {settings["mode"] == "train"} else other[settings["mode"]]
    sizes, recorded = [size for size, _ in wrapped.record], any(recorded for _, recorded in wrapped.record)
    return evaluation_results(float(loss), sizes, mode, changed(net, before), recorded)


def draw_repeatedly(answer: Callable, probs: Tensor, u: Tensor) -> object:
    """The ids drawn; a text if the same numbers gave different ids."""
    first, *others = (answer(probs.clone(), u.clone()) for _ in range(5))
    others.append(answer(probs, u))
    alike = lambda other: not isinstance(first, Tensor) or not isinstance(other, Tensor) or torch.equal(first, other)
    return first if all(map(alike, others)) else "two answers to the same u"


def sampling_results(letters: object, moved: bool) -> dict[str, object]:
    """The letters, and whether the net was changed."""
    return {"letters": letters, "running statistics moved": moved}


def sampling(answer: Callable, u: Tensor, settings: dict) -> object:
    """The letters that the answer writes with a net, and whether the net was changed."""
    net = small_net(settings["vocabulary"], settings["context"], settings["net"])
    before = copy.deepcopy(net.state_dict())
    letters = answer(net, u, settings["context"])
    return None if nothing(letters) else sampling_results(letters, changed(net, before))


def log_prob(answer: Callable, name: list[int], settings: dict) -> object:
    """The log-probability that the answer gives a name, as a plain number."""
    net = small_net(settings["vocabulary"], settings["context"], settings["net"]).eval()
    result = answer(net, name, settings["context"])
    return None if nothing(result) else float(result)


def as_text(lags: object) -> str:
    """Lags as a text, which a message shows in full."""
    return f"[{', '.join(map(str, lags))}]"


def lags(answer: Callable, kernel_size: int, dilations: list[int]) -> object:
    """The lags that the answer lists, as a text."""
    result = answer(kernel_size, dilations)
    if isinstance(result, Tensor):
        result = result.tolist()
    if nothing(result):
        return None
    return as_text(result) if isinstance(result, (list, tuple, range)) else f"a {type(result).__name__}: {result!r}"


def tree(vocabulary: int, embedding: int, hidden: int, seed: int) -> nn.Sequential:
    """A staged net with residuals, in eval mode, whose norms have statistics and weights as after a training."""
    return watched(copy.deepcopy(_tree(vocabulary, embedding, hidden, seed)))


@functools.lru_cache(maxsize=64)
def _tree(vocabulary: int, embedding: int, hidden: int, seed: int) -> nn.Sequential:
    from lib.models import staged_model  # here, because only a07 needs it

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = staged_model(vocabulary, embedding=embedding, hidden=hidden, residual=True)
        for stage in (net.stage1, net.stage2, net.stage3):
            stage.norm.running_mean.normal_()
            stage.norm.running_var.uniform_(0.5, 2)
            stage.norm.weight.data.uniform_(0.5, 2)
    return net.requires_grad_(False).eval()


ALL_COLUMNS, WINDOW_BY_WINDOW = "all columns at once", "window by window"


def logits_everywhere(answer: Callable, tokens: Tensor, settings: dict) -> object:
    """The logits at every position, and whether the tree was applied to each window separately."""
    net, rows = tree(**settings), []
    for stage in (net.stage1, net.stage2, net.stage3):
        stage.linear.register_forward_hook(lambda layer, x, out: rows.append(out.shape[:-1].numel()))
    logits = answer(net, tokens)
    if nothing(logits):
        return None
    windows, boxes = len(tokens) * (tokens.shape[1] - 7), 7  # a tree over eight characters has seven boxes
    return {"logits": logits, "computed": ALL_COLUMNS if sum(rows) < windows * boxes else WINDOW_BY_WINDOW}


class _TanhCounter(TorchFunctionMode):
    """Counts the numbers that go through tanh."""

    count = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        if getattr(function, "__name__", "") in ("tanh", "tanh_"):
            self.count += out.numel()
        return out


ONE_COLUMN = "one column of each layer at each step"
SEVERAL_COLUMNS = "more than one column of each layer at each step"


def memory(answer: Callable, weights: list[Tensor], dilations: list[int], history: Tensor, x: Tensor) -> object:
    """The outputs of two memories that take their steps in turn, the second with reversed inputs."""
    if isinstance(answer, type):  # lists and dictionaries that belong to the class are empty again, as after a restart
        fresh = {key: type(item)() for key, item in vars(answer).items() if isinstance(item, (list, dict))}
        answer = type(answer.__name__, (answer,), fresh)
    memories = [answer(weights, dilations, history), answer(weights, dilations, history.flip(1))]
    outs = [[], []]
    with _TanhCounter() as tanhs:
        for now, other in zip(x.unbind(1), x.flip(1).unbind(1), strict=True):
            for one, given, out in zip(memories, (now, other), outs, strict=True):
                out.append(one.step(given))
    if nothing(outs[0][0]):
        return None
    work = ONE_COLUMN if tanhs.count <= 2 * len(weights) * x.numel() else SEVERAL_COLUMNS
    return {"outputs": torch.stack(outs[0], dim=1), "of the second": torch.stack(outs[1], dim=1), "computed": work}


PROBES = {
    "a01": {"embed": embed},
    "a02": {"flatten": flatten, "seen": seen},
    "a03": {"layer": norm_layer},
    "a04": {"step": step, "schedule": learning_rates, "mended": training, "evaluate": evaluation},
    "a05": {"draw": draw_repeatedly, "mended": sampling, "log_prob": log_prob},
    "a07": {"seen": lags, "mended": logits_everywhere},
    "a08": {"memory": memory},
}
