"""How fast is lib? Each measurement is interleaved with its baseline, so that a machine that slows down slows both.

    python tests/tools/benchmark.py                five to ten minutes on two cores
    python tests/tools/benchmark.py --full         runs all of the lecture's 200,000 steps instead of extrapolating
    python tests/tools/benchmark.py --json FILE    also writes the results as JSON
    python tests/tools/benchmark.py --only step    one part

A ratio is the median of its rounds, with the lowest and the highest. All runs use one thread.
"""

import argparse
import csv
import importlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib.data import DATA, Vocabulary, load_names, make_windows, split_names
from lib.models import staged_model, trained_model
from lib.sampling import sample_names
from lib.training import FAST, QUICK, Recipe, evaluate, train
from lib.tree import make_examples, select, tree_logits
from lib.wavenet import (
    NaiveGeneration,
    OnWindows,
    Queues,
    WaveNet,
    cut_sequences,
    generate,
    make_sequences,
    staged_to_dilated,
    train_sequences,
)

ROUNDS = 5
LONG_DILATIONS = tuple(2**i for i in range(10))  # a receptive field of 1,024


class Layer:
    """As in the lecture: called, not a Module; keeps its last output."""

    def __call__(self, x: Tensor) -> Tensor:
        self.out = self.forward(x)
        return self.out

    def parameters(self) -> list[Tensor]:
        return []


class Linear(Layer):
    """x W + b."""

    def __init__(self, fan_in: int, fan_out: int, bias: bool = True) -> None:
        self.weight = torch.randn(fan_in, fan_out) / fan_in**0.5
        self.bias = torch.zeros(fan_out) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight if self.bias is None else x @ self.weight + self.bias

    def parameters(self) -> list[Tensor]:
        return [self.weight] if self.bias is None else [self.weight, self.bias]


class BatchNorm(Layer):
    """Mean and variance by hand, autograd for the rest."""

    def __init__(self, size: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        self.eps, self.momentum, self.training = eps, momentum, True
        self.gamma, self.beta = torch.ones(size), torch.zeros(size)
        self.running_mean, self.running_var = torch.zeros(size), torch.ones(size)

    def forward(self, x: Tensor) -> Tensor:
        mean, var = self.running_mean, self.running_var
        if self.training:
            dim = 0 if x.ndim == 2 else (0, 1)
            mean, var = x.mean(dim, keepdim=True), x.var(dim, keepdim=True)
            with torch.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var
        return self.gamma * ((x - mean) / torch.sqrt(var + self.eps)) + self.beta

    def parameters(self) -> list[Tensor]:
        return [self.gamma, self.beta]


class Tanh(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x)


class Embedding(Layer):
    def __init__(self, size: int, channels: int) -> None:
        self.weight = torch.randn(size, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.weight[x]

    def parameters(self) -> list[Tensor]:
        return [self.weight]


class Pairs(Layer):
    """FlattenConsecutive(2)."""

    def forward(self, x: Tensor) -> Tensor:
        B, T, C = x.shape
        x = x.view(B, T // 2, 2 * C)
        return x.squeeze(1) if x.shape[1] == 1 else x


class LectureNet:
    """The lecture's net in the lecture's way: a list of layers, called in turn."""

    def __init__(self, vocabulary_size: int = 27) -> None:
        self.layers = [Embedding(vocabulary_size, 24)]
        for fan_in in (48, 256, 256):
            self.layers += [Pairs(), Linear(fan_in, 128, bias=False), BatchNorm(128), Tanh()]
        self.layers.append(Linear(128, vocabulary_size))
        self.layers[-1].weight *= 0.1
        self.parameters = [p for layer in self.layers for p in layer.parameters()]
        for p in self.parameters:
            p.requires_grad = True

    def __call__(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x

    def mode(self, training: bool) -> None:
        for layer in self.layers:
            layer.training = training

    def step(self, X: Tensor, Y: Tensor, lr: float, batch_size: int = 32) -> None:
        batch = torch.randint(0, len(Y), (batch_size,))
        loss = F.cross_entropy(self(X[batch]), Y[batch])
        for p in self.parameters:
            p.grad = None
        loss.backward()
        for p in self.parameters:
            p.data += -lr * p.grad
        loss.log10().item()


class ChannelsSecond(nn.Module):
    """torch's BatchNorm1d, which expects (B, C, T), on (B, T, C)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x) if x.ndim == 2 else self.norm(x.transpose(1, 2)).transpose(1, 2)


def plain_torch_model() -> nn.Sequential:
    """The staged net of torch.nn layers only."""
    layers: list[nn.Module] = [nn.Embedding(27, 24)]
    for T, C in ((4, 24), (2, 128), (1, 128)):
        layers += [nn.Flatten(1), nn.Unflatten(1, (T, 2 * C)) if T > 1 else nn.Identity()]
        layers += [nn.Linear(2 * C, 128, bias=False), ChannelsSecond(128), nn.Tanh()]
    return nn.Sequential(*layers, nn.Linear(128, 27))


def seconds(run: Callable[[], object]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def spread(values: list[float], digits: int = 2) -> dict[str, float]:
    return {
        "ratio": round(statistics.median(values), digits),
        "low": round(min(values), digits),
        "high": round(max(values), digits),
    }


def load() -> tuple[Vocabulary, list[tuple[Tensor, Tensor]]]:
    names = load_names()
    vocabulary = Vocabulary(names)
    return vocabulary, [make_windows(part, vocabulary) for part in split_names(names)]


def ours(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return staged_model(27, activation=nn.GELU, residual=True)


def lecture_in_full(X: Tensor, Y: Tensor, val: tuple[Tensor, Tensor]) -> tuple[float, float]:
    """Seconds and validation loss of the lecture's whole training."""
    torch.manual_seed(0)
    net = LectureNet()
    begin = time.perf_counter()
    for step in range(200_000):
        net.step(X, Y, 0.1 if step < 150_000 else 0.01)
    elapsed = time.perf_counter() - begin
    net.mode(training=False)
    with torch.no_grad():
        total = sum(
            F.cross_entropy(net(x), y, reduction="sum").item()
            for x, y in zip(*(t.split(8_192) for t in val), strict=True)
        )
    return elapsed, total / len(val[1])


def record_of_speed() -> Callable[[list[str], int], nn.Module]:
    """`train` of data/records/speed.py."""
    sys.path.insert(0, str(DATA / "records"))
    return importlib.import_module("speed").train


def time_to_quality(full: bool) -> dict:
    """Seconds to the final validation loss of the lecture's training: the lecture's net and loop, FAST, QUICK and the record.

    The record's seconds include all its preparation; those of FAST and QUICK, the making of soft targets.
    """
    _, (train_windows, val_windows, _) = load()
    train_names, fastest = split_names(load_names())[0], record_of_speed()
    X, Y = train_windows
    with open(DATA / "evidence" / "results.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "42"]
    ends = {
        (arm, recipe): [float(r["val"]) for r in rows if (r["arm"], r["recipe"]) == (arm, recipe)]
        for arm in ("staged", "staged, GELU, residual")
        for recipe in ("lecture", "fast")
    }
    target = statistics.mean(ends["staged", "lecture"])

    torch.manual_seed(0)
    lecture, lecture_seconds = LectureNet(), []
    runs = {name: {"seconds": [], "val": []} for name in ("fast", "quick", "record")}
    for i in range(ROUNDS):
        lecture_seconds.append(seconds(lambda: [lecture.step(X, Y, 0.1) for _ in range(1_000)]) * 200)
        for recipe in (FAST, QUICK):
            net = ours(i)
            runs[recipe.name]["seconds"].append(
                train(net, train_windows, recipe=recipe, seed=i, progress=False).seconds
            )
            runs[recipe.name]["val"].append(evaluate(net, val_windows))
        begin = time.perf_counter()
        net = fastest(train_names, i)
        runs["record"]["seconds"].append(time.perf_counter() - begin)
        runs["record"]["val"].append(evaluate(net, val_windows))
    result = {"target_val": round(target, 4), "lecture_seconds": round(statistics.median(lecture_seconds), 1)}
    if full:
        elapsed, val = lecture_in_full(X, Y, val_windows)
        result |= {"lecture_seconds_in_full": round(elapsed, 1), "lecture_val_in_full": round(val, 4)}
    for name, run in runs.items():
        reached = sum(val <= target for val in run["val"])
        figures = spread([a / b for a, b in zip(lecture_seconds, run["seconds"], strict=True)], 1)
        figures |= {
            "seconds": round(statistics.median(run["seconds"]), 1),
            "val": round(statistics.mean(run["val"]), 4),
        }
        figures |= {"val_sd": round(statistics.stdev(run["val"]), 4), "reached_target": f"{reached} of {ROUNDS}"}
        result[name] = figures
    result["ratio"] = result["fast"]["ratio"]
    result["apart"] = {
        f"{arm}; {recipe}": round(statistics.mean(vals), 4) for (arm, recipe), vals in ends.items() if vals
    }
    return result


def one_at_a_time(model: nn.Sequential, n: int) -> None:
    """The lecture's loop: one name, one character, one call of the net at a time."""
    for _ in range(n):
        context = [0] * 8
        while True:
            probs = F.softmax(model(torch.tensor([context])), dim=1)
            index = torch.multinomial(probs, num_samples=1).item()
            context = [*context[1:], index]
            if index == 0:
                break


def sampling() -> dict:
    """1,000 names: one at a time against all at once."""
    model, vocabulary = trained_model()
    ratios, ours_seconds = [], []
    with torch.no_grad():
        for _ in range(ROUNDS):
            slow = seconds(lambda: one_at_a_time(model, 100)) * 10
            fast = [seconds(lambda: sample_names(model, vocabulary, 1_000)) for _ in range(3)]
            ours_seconds.append(statistics.median(fast))
            ratios.append(slow / ours_seconds[-1])
    return spread(ratios, 1) | {"seconds_for_1000": round(statistics.median(ours_seconds), 4)}


def multiply_adds() -> int:
    """Multiplications of one window's forward pass through the Linear layers of the staged net."""
    return 4 * 48 * 128 + 2 * 256 * 128 + 256 * 128 + 128 * 27


def matrix_rate() -> float:
    """Floating-point operations per second of large matrix products on one thread."""
    a, b = torch.randn(1_024, 1_024), torch.randn(1_024, 1_024)
    return 20 * 2 * 1_024**3 / seconds(lambda: [a @ b for _ in range(20)])


def step() -> dict:
    """Steps per second of lib's staged net against the same net of torch.nn, and its share of the matrix-multiply rate."""
    _, (train_windows, *_) = load()
    result = {}
    for batch_size, steps in ((32, 400), (512, 60)):
        recipe = Recipe("step", batch_size=batch_size, lr=0.01, steps=steps, optimizer="sgd", schedule="step")
        ratios, shares, rates = [], [], []
        for _ in range(ROUNDS):
            plain = train(plain_torch_model(), train_windows, recipe=recipe, progress=False).seconds
            lib = train(staged_model(27), train_windows, recipe=recipe, progress=False).seconds
            ratios.append(plain / lib)
            rates.append(steps / lib)
            shares.append(6 * multiply_adds() * batch_size * steps / lib / matrix_rate())
        result[f"batch_{batch_size}"] = spread(ratios) | {
            "steps_per_second": round(statistics.median(rates), 1),
            "share_of_matrix_rate": spread(shares)["ratio"],
        }
    return result


def products() -> float:
    """Seconds that the matrix products of one step of 512 windows take alone, forward and backward."""
    shapes = ((2_048, 48, 128), (1_024, 256, 128), (512, 256, 128), (512, 128, 27))
    operands = [(torch.randn(rows, k), torch.randn(n, k), torch.randn(rows, n)) for rows, k, n in shapes]
    return seconds(lambda: [(x @ W.T, dy.T @ x, dy @ W) for x, W, dy in operands])


def tree_step() -> dict:
    """A step of 512 windows, plain against each distinct pair and quad computed once; the same function of the same windows.

    Beside it the share of the plain step that its matrix products take alone, which no other way to write it can save, and
    where its time goes by torch's profiler.
    """
    _, ((X, Y), *_) = load()
    examples, which = make_examples(X, Y, 27)
    nets, ratios, shares = {"plain": ours(), "tree": ours()}, [], []
    optimizers = {name: torch.optim.AdamW(net.train().parameters(), lr=1e-3, fused=True) for name, net in nets.items()}

    def step(name: str, batch: Tensor) -> None:
        if name == "plain":
            logits = nets[name](X[batch])
        else:
            rows, place, count = which[batch].unique(return_inverse=True, return_counts=True)
            logits = tree_logits(nets[name], select(examples.levels, rows), count.float())[place]
        optimizers[name].zero_grad()
        F.cross_entropy(logits, Y[batch]).backward()
        optimizers[name].step()

    for _ in range(3 * ROUNDS):
        batches = torch.randint(len(Y), (20, 512))
        took = {
            name: seconds(lambda name=name, batches=batches: [step(name, batch) for batch in batches]) for name in nets
        }
        ratios.append(took["plain"] / took["tree"])
        shares.append(20 * statistics.median(products() for _ in range(5)) / took["plain"])
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        for batch in batches:
            step("plain", batch)
    events = [(event.key.removeprefix("aten::"), event.self_cpu_time_total) for event in profile.key_averages()]
    total = sum(time for _, time in events)
    largest = sorted(events, key=lambda event: -event[1])[:10]
    return {
        "plain / tree": spread(ratios),
        "products alone / plain": spread(shares),
        "shares of the plain step": {name: round(time / total, 3) for name, time in largest},
    }


def in_new_process(code: str) -> list[float]:
    """The numbers that code prints in a new process."""
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return [float(number) for number in printed.split()]


def evaluation() -> dict:
    """Evaluating all training windows in chunks against all at once: time, and the peak of memory beyond what was there.

    Each in a process of its own, whose peak is reset before (Linux only; elsewhere there is no figure of memory).
    """
    code = (
        "import re, time, torch; from pathlib import Path; torch.set_num_threads(1)\n"
        "from lib.models import staged_model; from lib.training import evaluate\n"
        "kilobytes = lambda name: int(re.search(name + r':\\s+(\\d+)', Path('/proc/self/status').read_text())[1])\n"
        "windows = torch.randint(27, (169_801, 8)), torch.randint(27, (169_801,)); model = staged_model(27)\n"
        "evaluate(model, [part[:512] for part in windows])\n"
        "reset = Path('/proc/self/clear_refs'); reset.exists() and reset.write_text('5')\n"
        "before = kilobytes('VmRSS') if reset.exists() else 0\n"
        "begin = time.perf_counter(); evaluate(model, windows, batch_size={chunk}); end = time.perf_counter()\n"
        "print(end - begin, (kilobytes('VmHWM') - before) / 1024 if reset.exists() else 0)\n"
    )
    runs = {chunk: [in_new_process(code.format(chunk=chunk)) for _ in range(ROUNDS)] for chunk in (8_192, 200_000)}
    pairs = list(zip(runs[8_192], runs[200_000], strict=True))
    result = {"time": spread([whole[0] / chunked[0] for chunked, whole in pairs])}
    if runs[8_192][0][1]:
        megabytes = {chunk: round(statistics.median(run[1] for run in some)) for chunk, some in runs.items()}
        result |= {"memory_share": spread([chunked[1] / whole[1] for chunked, whole in pairs], 3)}
        result |= {"megabytes_in_chunks": megabytes[8_192], "megabytes_at_once": megabytes[200_000]}
    return result


def start() -> dict:
    """Seconds that importing lib's core modules takes when torch is imported, and torch's own, in one process each time."""
    modules = "lib.data, lib.layers, lib.models, lib.ngrams, lib.training, lib.sampling"
    code = (
        "import time; begin = time.perf_counter(); import torch; middle = time.perf_counter()\n"
        f"import {modules}; print(middle - begin, time.perf_counter() - middle)"
    )
    times = list(zip(*(in_new_process(code) for _ in range(2 * ROUNDS)), strict=True))
    return {
        name: {"seconds": round(statistics.median(some), 2), "low": round(min(some), 2), "high": round(max(some), 2)}
        for name, some in zip(("torch", "lib"), times, strict=True)
    }


def sequences() -> dict:
    """Training on whole sequences against training on windows: seconds per predicted position, with the same net.

    On names there is little to gain. A window of 8 costs the tree 7 outputs of a layer, a position of a sequence 3, one per
    layer; but a name has 7 positions on average and the longest of a batch 11, so that over a third of the outputs are
    padding, and both compute the last stage, which is the widest, once per position. With a receptive field of 1,024 a
    window costs the tree 1,023 outputs, and a position costs 10.
    """
    names = load_names()
    vocabulary, (train_names, *_) = Vocabulary(names), split_names(names)
    recipe, result = Recipe("step", batch_size=512, lr=1e-3, steps=30), {}
    windows, whole = make_windows(train_names, vocabulary), make_sequences(train_names, vocabulary, 8)
    wavenet = WaveNet(27, 64, (1, 2, 4))
    nets = {
        "staged net, 128 channels": (staged_model(27), staged_to_dilated(staged_model(27))),
        "WaveNet, 64 channels": (OnWindows(wavenet, tree=True), wavenet),
    }
    for name, (on_windows, on_sequences) in nets.items():
        ratios = []
        for _ in range(ROUNDS):
            slow = train(on_windows, windows, recipe=recipe, progress=False).seconds
            ratios.append(slow / train_sequences(on_sequences, whole, recipe=recipe, progress=False).seconds)
        result[f"{name}, names, receptive field 8, batch 512, windows as trees"] = spread(ratios)

    net = WaveNet(256, 16, LONG_DILATIONS)
    track = torch.randint(256, (4_096,))
    chunks = cut_sequences(track, 1_024, 1_024)
    windows = track[:-1].unfold(0, 1_024, 1), track[1_024:]
    for tree in (False, True):
        ratios, batch = [], 64 if tree else 16
        for _ in range(ROUNDS):
            few = replace(recipe, batch_size=batch, steps=2)
            slow = train(OnWindows(net, tree=tree), windows, recipe=few, progress=False).seconds / (2 * batch)
            few = replace(recipe, batch_size=1_024, steps=2)
            ratios.append(slow / (train_sequences(net, chunks, recipe=few, progress=False).seconds / 2_048))
        how = "as trees" if tree else "computed densely"
        result[f"WaveNet, 16 channels, receptive field 1,024, chunks of 1,024, windows {how}"] = spread(ratios, 0)
    return result


def generation() -> dict:
    """Generating with queues against computing the whole receptive field again: seconds per step."""
    result = {}
    for layers in (3, 7, 9, 10):  # receptive fields of 8, 128, 512 and 1,024
        net = WaveNet(256, 64, LONG_DILATIONS[:layers])
        for batch in (1, 16):
            generators = {"queues": Queues(net, batch)}
            generators |= {"dense": NaiveGeneration(net, batch), "tree": NaiveGeneration(net, batch, tree=True)}
            times: dict[str, list[float]] = {name: [] for name in generators}
            for _ in range(ROUNDS):
                for name, generator in generators.items():
                    steps = 3 if name != "queues" and net.receptive_field > 64 else 100
                    times[name].append(
                        seconds(lambda generator=generator, steps=steps: generate(generator, steps)) / steps
                    )
            setting = f"receptive field {net.receptive_field}, batch {batch}, 64 channels"
            result[setting] = {"queue_steps_per_second": round(1 / statistics.median(times["queues"]))}
            for name in ("dense", "tree"):
                ratios = [slow / fast for slow, fast in zip(times[name], times["queues"], strict=True)]
                result[setting][f"against {name}"] = spread(ratios, 1)
    return result


PARTS = {"time_to_quality": time_to_quality, "sampling": sampling, "step": step}
PARTS |= {"tree_step": tree_step, "evaluate": evaluation, "start": start}
PARTS |= {"sequences": sequences, "generation": generation}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="train the lecture's net in full (about ten minutes more)")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--only", choices=PARTS, action="append", help="run this part only; can be repeated")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results = {}
    for name in arguments.only or PARTS:
        results[name] = PARTS[name](arguments.full) if name == "time_to_quality" else PARTS[name]()
        print(f"{name}: {json.dumps(results[name], indent=2)}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
