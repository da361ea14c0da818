"""Training and evaluation, on windows and on whole sequences."""

import functools
import hashlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from lib import distributed
from lib.batches import IGNORED, Batches, Data, as_examples, make_examples, predictions
from lib.checkpoints import TrainingState, load_checkpoint, save_checkpoint
from lib.data import Vocabulary
from lib.recipes import FAST, LECTURE, LONG, QUICK, Recipe

__all__ = [
    "FAST",
    "LECTURE",
    "LONG",
    "QUICK",
    "History",
    "Recipe",
    "Windows",
    "eval_mode",
    "evaluate",
    "load_checkpoint",
    "save_checkpoint",
    "train",
]

Windows = tuple[Tensor, Tensor]


@dataclass
class History:
    """Record of a training run.

    train: loss of each step's batch, nats per character. val: (steps done, validation loss in nats per character).
    steps: the planned number of steps. seconds: time spent, over all runs that resumed it. interrupted: whether the
    reader stopped it before the last step.
    """

    recipe: str
    seed: int
    steps: int
    train: list[float] = field(default_factory=list)
    val: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False


def train(
    model: nn.Module,
    train_windows: Data,
    val_windows: Data | None = None,
    recipe: Recipe = FAST,
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: bool = True,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 1_000,
    on_step: Callable[[int], object] | None = None,
    vocabulary: Vocabulary | None = None,
) -> History:
    """Train the model in place.

    The stop button (or Ctrl-C) ends it after the current step; the model keeps what it has learned. In a process group of
    torch.distributed, each process trains on its share of every batch, see `lib.distributed`.

    Args:
        model: from (B, T) ids to (B, V) logits. Training starts from its weights; its mode is restored at the end.
        train_windows, val_windows: X (N, T) int64 and Y (N,) int64, `lib.wavenet.Sequences` for a net of sequences,
            or a `lib.streams.Stream` of names too many for windows.
        recipe: optimizer, batch size, learning rate, length. Its batch size counts predicted characters: a batch of
            sequences holds about that many, so that an epoch has as many steps as with windows.
        seed: of the order of the windows, and of dropout. Same seed, same result.
        device: where to train; None leaves the model where it is.
        progress: show a bar with loss and time left, in a notebook or terminal.
        checkpoint: a file to write every `checkpoint_every` steps, when stopped and at the end. If it exists, training
            resumes from it and ends with the same weights as if never stopped. `load_model` reads the net in it.
        on_step: called with the number of steps done, before each step and after the last.
        vocabulary: kept in the checkpoint, so that the net in it can be sampled from.

    Returns:
        The losses, measured once more on the validation windows if the run was interrupted.

    Raises:
        ValueError: windows that are empty or do not match the model, or a checkpoint from a different training run.
        FileNotFoundError, IsADirectoryError: `checkpoint` is a folder, or its parent folder is missing.
        FloatingPointError: the loss became NaN or infinite.
    """
    data = as_examples(train_windows, model)
    val = None if val_windows is None else as_examples(val_windows, model)
    if device is not None:
        model.to(device)
    steps, examples = recipe.total_steps(predictions(data)), make_examples(data, recipe)
    rows = round(recipe.batch_size * len(data.targets) / predictions(data))  # per batch
    batches = Batches(examples, rows, seed, recipe.replacement)
    examples = _to_device(examples, model)
    weighted = getattr(examples, "weight", None) is not None
    parallel = distributed.parallel(model, examples.targets, batches.batch_size, weighted)
    optimizer, history = _make_optimizer(model, recipe), History(recipe.name, seed, steps)
    state = TrainingState(model, optimizer, batches, history, checkpoint, vocabulary)

    with _mode(model, training=True), _threads_for(recipe.batch_size), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if checkpoint is not None:
            state.resume(recipe=asdict(recipe), seed=seed, windows=_fingerprint(data))
        with closing(_steps(state, progress, checkpoint_every, on_step)) as running:
            for step in running:
                for group in optimizer.param_groups:
                    group["lr"] = recipe.lr_at(step, steps)
                loss = examples.loss(parallel, distributed.share(batches.next()))
                history.train.append(_finite(distributed.mean(loss.item()), step, recipe))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                if val is not None and step + 1 in recipe.evaluated_at(steps):
                    history.val.append((step + 1, evaluate(model, val)))
    if history.interrupted and val is not None and len(history.train) not in dict(history.val):
        history.val.append((len(history.train), evaluate(model, val)))
    return history


def evaluate(model: nn.Module, windows: Data, batch_size: int = 8_192) -> float:
    """Mean cross-entropy of the model on the windows, in nats per character.

    Runs in eval mode and restores the mode; in batches, which need far less memory and time than all windows at once.

    Args:
        model: from (B, T) ids to (B, V) logits.
        windows: what `train` takes.
        batch_size: characters predicted at a time.

    Raises:
        ValueError: windows that are empty or do not match the model.
    """
    data = _to_device(as_examples(windows, model), model)
    with torch.no_grad(), eval_mode(model):
        chunks = _chunks(data.targets, batch_size)
        return sum(data.loss(model, chunk, "sum").item() for chunk in chunks) / predictions(data)


def _chunks(targets: Tensor, batch_size: int) -> Iterator[Tensor]:
    """Row numbers, about `batch_size` characters at a time."""
    N = len(targets)
    if targets.ndim == 1:
        yield from (torch.arange(first, min(first + batch_size, N)) for first in range(0, N, batch_size))
        return
    lengths = (targets != IGNORED).sum(1)  # (N,)
    rows = max(1, batch_size * N // targets.numel())
    yield from lengths.argsort(stable=True).split(rows)  # sequences of about one length together


def _steps(
    state: TrainingState, progress: bool, checkpoint_every: int, on_step: Callable[[int], object] | None
) -> Iterator[int]:
    """The steps to take. Before each, and after the last: clock, bar, stop button, checkpoint, on_step."""
    history, first = state.history, len(state.history.train)
    start = time.perf_counter() - history.seconds
    with _stop_button() as stop, _progress_bar(history.steps, first, progress) as bar:
        for step in range(first, history.steps + 1):
            history.interrupted = stop.is_set() and step < history.steps
            ends = history.interrupted or step == history.steps
            if step > first:
                history.seconds = time.perf_counter() - start
                if ends or step % 20 == 1:
                    bar.set_postfix_str(_losses(history), refresh=False)
                bar.update()
                if ends or step % checkpoint_every == 0:
                    state.save()
            if on_step is not None and not history.interrupted:
                on_step(step)
            if ends:
                break
            yield step
    if history.interrupted:
        resume = "" if state.path is None else f" Resume with train(..., checkpoint={str(state.path)!r})."
        done = f"Stopped after {step:,} of {history.steps:,} steps."
        print(f"{done} The model keeps what it has learned.{resume}")


def _make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(model.parameters(), lr=recipe.lr)
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=recipe.betas, fused=True)


def _finite(loss: float, step: int, recipe: Recipe) -> float:
    if not math.isfinite(loss):
        raise FloatingPointError(
            f"the loss became {loss} at step {step:,} of recipe {recipe.name!r} (highest learning rate {recipe.lr}). "
            "The weights are those before this step. Try a tenth of the learning rate; "
            "if it is NaN at step 0, the model or the data holds NaN."
        )
    return loss


def _to_device(data: Data, model: nn.Module) -> Data:
    device = next(model.parameters()).device
    return type(data)(*(part.to(device) if isinstance(part, Tensor) else part for part in data))


def _fingerprint(data: Data) -> str:
    """A hash of the windows, the stream or the sequences."""
    digest = hashlib.sha256()
    for part in data:
        if isinstance(part, Tensor):
            digest.update(part.cpu().contiguous().numpy())  # not a copy
        elif part is not None:
            digest.update(str(part).encode())
    return digest.hexdigest()


def _losses(history: History) -> str:
    recent = history.train[-100:]
    val = f", val {history.val[-1][1]:.3f}" if history.val else ""
    return f"train {sum(recent) / len(recent):.3f}{val}"


def _progress_bar(steps: int, done: int, show: bool) -> tqdm:
    """A bar in a notebook and on a terminal, nothing where the output goes to a file."""
    in_notebook = "notebook" in next(c.__module__ for c in tqdm.__mro__ if c.__module__ != "tqdm.auto")
    disable = True if not (show and distributed.is_first()) else (False if in_notebook else None)
    return tqdm(total=steps, initial=done, unit="step", disable=disable)


@contextmanager
def _mode(model: nn.Module, training: bool) -> Iterator[None]:
    """Every module in train or eval mode; each one's mode is restored."""
    before = {module: module.training for module in model.modules()}
    model.train(training)
    try:
        yield
    finally:
        for module, was_training in before.items():
            module.training = was_training


eval_mode = functools.partial(_mode, training=False)


@contextmanager
def _threads_for(batch_size: int) -> Iterator[None]:
    """As many threads as are worthwhile for matrices this small: one below 512 windows per step, and one more for each 256."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(before, batch_size // 256)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _stop_button() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event, so that no step is cut in two; the second interrupts at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.getsignal(signal.SIGINT)

    def pressed(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    signal.signal(signal.SIGINT, pressed)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
