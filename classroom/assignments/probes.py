"""How an answer is called, where `answer(*case)` is not enough. The only file of the assignments that the sandbox has.

So it has no solution, and imports of `lib`, inside a function, only what the same assignment's notebook imports.
"""

import copy
import functools
import math
import re
from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


def flatten(answer: object, n: int, x: Tensor) -> object:
    try:
        return answer(n)(x)
    except ValueError as error:
        named = {str(n), str(x.shape[1])} <= {*re.findall("\\d+", str(error))}
        return f"refused with T={x.shape[1]} and n={n}" if named else "refused without the sizes"
    except RuntimeError:
        if x.shape[1] % n:
            return "an error of torch's own"
        raise


def _net(kind: str, T: int, C: int, seed: int) -> Callable[[Tensor], Tensor]:
    generator = torch.Generator().manual_seed(seed)
    mix = torch.rand({"top": 1, "causal": T}.get(kind, T // 2), T, generator=generator) + 0.5
    if kind == "causal":
        mix = mix.triu(-1).tril()
    elif kind == "strided":
        mix = mix * torch.eye(T // 2).repeat(1, 2)
    elif kind != "top":
        mix = mix * torch.eye(T // 2).repeat_interleave(2, 1)
    weight = torch.randn(C, 5, generator=generator) / C
    bend = torch.square if kind == "squares" else torch.tanh
    net = lambda x: torch.einsum("pt,btc->bpc", mix, bend(x @ weight))
    return (lambda x: net(x).squeeze(1)) if kind == "top" else net


def seen(answer: Callable, kind: str, T: int, C: int, seed: int) -> object:
    return answer(_net(kind, T, C, seed), T, C)


def layer(answer: Callable, settings: dict, *batches: Tensor) -> object:
    made, outputs = answer(batches[0].shape[-1], settings["eps"], settings["momentum"]), []
    if made is None or made is ...:
        return None
    for number, x in enumerate(batches):
        made.training = number < 2
        try:
            outputs.append(made(x))
        except ValueError:
            outputs.append("refused")
    if all(output is None or output is ... for output in outputs):
        return None
    names = ("first batch", "second batch", "eval mode", "running_mean", "running_var")
    return dict(zip(names, [*outputs, made.running_mean, made.running_var], strict=True))


def numbered(answer: Callable, *case: object) -> object:
    """The answer's result, its last part as a plain number where it is a tensor with one."""
    result = answer(*case)
    if isinstance(result, (tuple, list)) and result and isinstance(result[-1], Tensor) and result[-1].numel() == 1:
        return (*result[:-1], result[-1].item())
    return result


def each_step(answer: Callable, steps: int, *rest: object) -> Tensor | None:
    rates = [answer(step, steps, *rest) for step in range(steps)]
    return None if any(rate is None or rate is ... for rate in rates) else torch.tensor([float(rate) for rate in rates])


def listed(answer: Callable, *case: object) -> object:
    """The answer's result, the losses as one tensor."""
    result = answer(*case)
    if isinstance(result, (tuple, list)) and result and isinstance(result[-1], (tuple, list)):
        return (*result[:-1], torch.tensor([float(loss) for loss in result[-1]]))
    return result


class Watched(nn.Module):
    """The net, and a record of its calls."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net, self.sizes, self.recorded = net, [], False

    def forward(self, x: Tensor) -> Tensor:
        self.sizes.append(len(x))
        self.recorded |= torch.is_grad_enabled()
        return self.net(x)


@functools.lru_cache(maxsize=64)
def _made_net(vocabulary: int, context: int, seed: int) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = [nn.Embedding(vocabulary, 4), nn.Flatten(), nn.Linear(4 * context, 12), nn.BatchNorm1d(12), nn.Tanh()]
        net = nn.Sequential(*layers, nn.Linear(12, vocabulary))
        net[3].running_mean.normal_()
        net[3].running_var.uniform_(0.5, 2)
        net[5].weight.data *= 4
    return net


def small_net(vocabulary: int, context: int, seed: int) -> nn.Sequential:
    """A net with a BatchNorm whose running statistics are not those of the batches it will see; in train mode."""
    return copy.deepcopy(_made_net(vocabulary, context, seed))


def evaluation(answer: Callable, X: Tensor, Y: Tensor, settings: dict) -> object:
    net = small_net(9, X.shape[1], settings["net"])
    before, watched = copy.deepcopy(net.state_dict()), Watched(net).train(settings["mode"] == "train")
    loss = answer(watched, X, Y, settings["piece"])
    if loss is None or loss is ...:
        return None
    return {
        "loss": float(loss),
        "sizes of the pieces": sorted(Counter(watched.sizes).items()),
        "mode afterwards": "train" if watched.training and net[3].training else "eval",
        "running statistics moved": any(not torch.equal(before[name], v) for name, v in net.state_dict().items()),
        "gradients recorded": watched.recorded,
    }


def draw_twice(answer: Callable, probs: Tensor, u: Tensor) -> object:
    first, second = answer(probs.clone(), u.clone()), answer(probs, u)
    same = not isinstance(first, Tensor) or not isinstance(second, Tensor) or torch.equal(first, second)
    return first if same else "two answers to the same u"


def sample(answer: Callable, u: Tensor, settings: dict) -> object:
    net = small_net(settings["vocabulary"], settings["context"], settings["net"])
    before = copy.deepcopy(net.state_dict())
    letters = answer(net, u, settings["context"])
    moved = any(not torch.equal(before[name], value) for name, value in net.state_dict().items())
    return None if letters is None or letters is ... else {"letters": letters, "running statistics moved": moved}


def log_prob(answer: Callable, name: list[int], settings: dict) -> object:
    net = small_net(settings["vocabulary"], settings["context"], settings["net"]).eval()
    result = answer(net, name, settings["context"])
    return result if result is None or result is ... else float(result)


def as_text(answer: Callable, kernel_size: int, dilations: list[int]) -> object:
    """The result as a text, so that a message can show it; None for none."""
    result = answer(kernel_size, dilations)
    if isinstance(result, Tensor):
        result = result.tolist()
    if result is None or result is ...:
        return None
    listed = isinstance(result, (list, tuple, range))
    return f"[{', '.join(map(str, result))}]" if listed else f"a {type(result).__name__}: {result!r}"


@functools.lru_cache(maxsize=64)
def _made_tree(vocabulary: int, embedding: int, hidden: int, seed: int) -> nn.Sequential:
    from lib.models import staged_model

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = staged_model(vocabulary, embedding=embedding, hidden=hidden, residual=True)
        for stage in (net.stage1, net.stage2, net.stage3):
            stage.norm.running_mean.normal_()
            stage.norm.running_var.uniform_(0.5, 2)
            stage.norm.weight.data.uniform_(0.5, 2)
    return net.requires_grad_(False).eval()


def everywhere(answer: Callable, tokens: Tensor, settings: dict) -> object:
    net, rows = copy.deepcopy(_made_tree(**settings)), []
    stages = (net.stage1, net.stage2, net.stage3)
    for stage in stages:
        stage.linear.register_forward_hook(lambda layer, x, out: rows.append(out.shape[:-1].numel()))
    logits = answer(net, tokens)
    if logits is None or logits is ...:
        return None
    boxes = sum(math.prod([2] * number) for number in range(len(stages)))
    few = sum(rows) < len(tokens) * (tokens.shape[1] - 7) * boxes
    return {"logits": logits, "computed": "all columns at once" if few else "window by window"}


class _Tanhs(TorchFunctionMode):
    """Counts the numbers that go through tanh while it is entered."""

    count = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        out = function(*args, **kwargs or {})
        if getattr(function, "__name__", "") in ("tanh", "tanh_"):
            self.count += out.numel()
        return out


def memory(answer: Callable, weights: list[Tensor], dilations: list[int], history: Tensor, x: Tensor) -> object:
    """Two memories that take their steps in turn, the second with time reversed."""
    if isinstance(answer, type):  # lists and dictionaries of the class start empty, as after a restart
        empty = {key: type(item)() for key, item in vars(answer).items() if isinstance(item, (list, dict))}
        answer = type(answer.__name__, (answer,), empty)
    memories = [answer(weights, dilations, history), answer(weights, dilations, history.flip(1))]
    outs = [[], []]
    with _Tanhs() as tanhs:
        for now, other in zip(x.unbind(1), x.flip(1).unbind(1), strict=True):
            for one, given, out in zip(memories, (now, other), outs, strict=True):
                out.append(one.step(given.clone()))
    if outs[0][0] is None or outs[0][0] is ...:
        return None
    few = tanhs.count <= 2 * len(weights) * x.numel()
    work = "one column of each layer at each step" if few else "more than one column of each layer at each step"
    return {"outputs": torch.stack(outs[0], dim=1), "of the second": torch.stack(outs[1], dim=1), "computed": work}


PROBES: dict[str, dict[str, Callable]] = {
    "a01": {},
    "a02": {"flatten": flatten, "seen": seen},
    "a03": {"layer": layer},
    "a04": {"step": numbered, "schedule": each_step, "mended": listed, "evaluate": evaluation},
    "a05": {"draw": draw_twice, "mended": sample, "log_prob": log_prob},
    "a07": {"seen": as_text, "mended": everywhere},
    "a08": {"memory": memory},
}
