"""Training, evaluation and checkpoints."""

import hashlib
import math
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm.auto import tqdm

from lib.batches import Batches
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
    """What a training did.

    train: loss of each step's batch, nats a letter. val: (steps done, validation loss in nats a letter), a few times.
    steps: the steps that were planned. seconds: time spent, over all runs that resumed it. interrupted: whether the
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
    train_windows: Windows,
    val_windows: Windows | None = None,
    recipe: Recipe = FAST,
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: bool = True,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 1_000,
    watch: Callable[[int], None] | None = None,
) -> History:
    """Train the model in place.

    The stop button (or Ctrl-C) ends it after the step that is running; the model keeps what it has learned.

    Args:
        model: from (B, T) ids to (B, V) logits. Its weights are where it starts; its mode is put back at the end.
        train_windows, val_windows: X (N, T) int64 and Y (N,) int64; the validation loss is measured where given.
        recipe: optimizer, batch size, learning rate, length.
        seed: of the order of the windows, and of dropout where a model has some. Same seed, same result.
        device: where to train; None leaves the model where it is.
        progress: show a bar with loss and time left, where there is a screen.
        checkpoint: a file to write every `checkpoint_every` steps, when stopped and at the end. If it is there already,
            training goes on from it, and ends with the same weights as if it had never stopped.
        watch: called with the number of steps done, before each step and after the last, for a look at the model.

    Returns:
        The losses on the way.

    Raises:
        ValueError: windows that are empty or don't fit together, or a checkpoint of another training.
        FloatingPointError: the loss became NaN or infinite.
    """
    for name, windows in (("train_windows", train_windows), ("val_windows", val_windows)):
        if windows is not None:
            _check_windows(name, windows)
    if device is not None:
        model.to(device)
    device = next(model.parameters()).device
    steps, batches = recipe.total_steps(len(train_windows[1])), Batches(train_windows, recipe, seed, device)
    loss_of = lambda batch: batches.loss(model(batches.examples.inputs[batch]), batch)
    val_loss = None if val_windows is None else lambda: evaluate(model, val_windows)
    identity = {"recipe": asdict(recipe), "seed": seed}
    if checkpoint is not None:
        identity["windows"] = _fingerprint(train_windows)
    files = {"checkpoint": checkpoint, "checkpoint_every": checkpoint_every}
    return run_steps(model, batches, loss_of, val_loss, recipe, steps, seed, identity, progress, watch=watch, **files)


def run_steps(
    model: nn.Module,
    batches: Batches,
    loss_of: Callable[[Tensor], Tensor],
    val_loss: Callable[[], float] | None,
    recipe: Recipe,
    steps: int,
    seed: int,
    identity: dict,
    progress: bool = True,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 1_000,
    watch: Callable[[int], None] | None = None,
) -> History:
    """The steps of `train`, whatever is trained on.

    Args:
        batches: gives one batch after the other.
        loss_of: from a batch to its loss.
        val_loss: measures the validation loss.
        steps: how many.
        identity: plain values that tell this training from another; a checkpoint with others is refused.
        model, recipe, seed, progress, checkpoint, checkpoint_every, watch: as for `train`.
    """
    history = History(recipe.name, seed, steps)
    optimizer = _make_optimizer(model, recipe)
    evaluate_at = {round(steps * (i + 1) / recipe.evaluations) for i in range(recipe.evaluations)}

    with _threads_for(recipe.batch_size), torch.random.fork_rng(devices=[]), _mode(model, training=True):
        torch.manual_seed(seed)
        if checkpoint is not None and Path(checkpoint).exists():
            history = _resume(load_checkpoint(checkpoint), identity, model, optimizer, batches)
        earlier, start = history.seconds, time.perf_counter()

        def save() -> None:
            if checkpoint is not None:
                state = {
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "batches": batches.state_dict(),
                }
                state |= {"torch_rng": torch.get_rng_state(), "history": asdict(history), **identity}
                save_checkpoint(checkpoint, state)

        with _stop_button() as stop, _progress_bar(steps, len(history.train), progress) as bar:
            while len(history.train) < steps and not stop.is_set():
                step = len(history.train)
                if watch is not None:
                    watch(step)
                for group in optimizer.param_groups:
                    group["lr"] = recipe.lr_at(step, steps)
                batch = batches.next()
                loss = loss_of(batch)
                _check_loss(loss.item(), step, recipe)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

                history.train.append(loss.item())
                if val_loss is not None and step + 1 in evaluate_at:
                    history.val.append((step + 1, val_loss()))
                history.seconds = earlier + time.perf_counter() - start
                if step % 20 == 0:
                    bar.set_postfix_str(_losses(history), refresh=False)
                bar.update()
                if (step + 1) % checkpoint_every == 0 and step + 1 < steps:
                    save()
        history.interrupted = len(history.train) < steps
        if watch is not None and not history.interrupted:
            watch(steps)
        save()
    if history.interrupted:
        kept = f" Go on with train(..., checkpoint={str(checkpoint)!r})." if checkpoint is not None else ""
        print(f"Stopped after {len(history.train):,} of {steps:,} steps. The model keeps what it has learned.{kept}")
    return history


def evaluate(model: nn.Module, windows: Windows, piece: int = 8_192) -> float:
    """Mean cross-entropy of the model on the windows, in nats a letter.

    Runs in eval mode, whatever mode the model is in, and puts the mode back; in pieces of 8,192 windows, which need far
    less memory and time than all at once.

    Args:
        model: from (B, T) ids to (B, V) logits.
        windows: X (N, T) int64, Y (N,) int64.
        piece: windows at a time.

    Raises:
        ValueError: windows that are empty or don't fit together.
    """
    _check_windows("windows", windows)
    device = next(model.parameters()).device
    total = 0.0
    with torch.no_grad(), _mode(model, training=False):
        for x, y in zip(*(t.split(piece) for t in windows), strict=True):
            total += F.cross_entropy(model(x.to(device)), y.to(device), reduction="sum").item()
    return total / len(windows[1])


def save_checkpoint(path: str | Path, checkpoint: dict) -> None:
    """Write a checkpoint whole or not at all: to a file beside it, then renamed over it.

    Args:
        path: the file; its folder must exist.
        checkpoint: tensors, numbers, strings, and lists, tuples and dicts of them.
    """
    path = Path(path)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def load_checkpoint(path: str | Path) -> dict:
    """Read a checkpoint; runs no code that a file might hold.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no checkpoint, is cut short, or holds more than tensors and plain values.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no checkpoint at {str(path)!r}. train(..., checkpoint=path) writes one.")
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:
        raise ValueError(f"{str(path)!r} can't be read as a checkpoint: {error}. Delete it to start afresh.") from error


def _resume(
    checkpoint: dict, identity: dict, model: nn.Module, optimizer: torch.optim.Optimizer, batches: Batches
) -> History:
    """Put everything back as the checkpoint has it, after a look whether it is of the same training."""
    for name, wanted in identity.items():
        if checkpoint.get(name) != wanted:
            raise ValueError(
                f"the checkpoint is of another training: its {name} is {checkpoint.get(name)}, here it is {wanted}. "
                "Give another checkpoint path, or delete the file to start afresh."
            )
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    batches.load_state_dict(checkpoint["batches"])
    torch.set_rng_state(checkpoint["torch_rng"])
    return History(**checkpoint["history"])


def _make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(model.parameters(), lr=recipe.lr)
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=recipe.betas, fused=True)


def _check_windows(name: str, windows: Windows) -> None:
    X, Y = windows
    if len(X) != len(Y) or len(Y) == 0:
        raise ValueError(
            f"{name} must be X and Y of the same length, at least 1; got X {tuple(X.shape)} and Y {tuple(Y.shape)}. make_windows makes them."
        )


def _check_loss(loss: float, step: int, recipe: Recipe) -> None:
    if not math.isfinite(loss):
        raise FloatingPointError(
            f"the loss became {loss} at step {step:,} of recipe {recipe.name!r} (highest learning rate {recipe.lr}). The weights are as the step "
            "before left them. Try a tenth of the learning rate; if it is NaN at step 0, the model or the data holds NaN."
        )


def _fingerprint(windows: Iterable[Tensor]) -> str:
    """Tells one set of windows or sequences from another."""
    return hashlib.sha256(b"".join(t.cpu().contiguous().numpy().tobytes() for t in windows)).hexdigest()


def _losses(history: History) -> str:
    recent = history.train[-100:]
    val = f", val {history.val[-1][1]:.3f}" if history.val else ""
    return f"train {sum(recent) / len(recent):.3f}{val}"


def _progress_bar(steps: int, done: int, wanted: bool) -> tqdm:
    """A bar in a notebook and on a terminal, nothing where the output goes to a file."""
    in_notebook = "notebook" in next(c.__module__ for c in tqdm.__mro__ if c.__module__ != "tqdm.auto")
    disable = True if not wanted else (False if in_notebook else None)
    return tqdm(total=steps, initial=done, unit="step", disable=disable)


@contextmanager
def _mode(model: nn.Module, training: bool) -> Iterator[None]:
    """Every module in train or eval mode, and each put back as it was."""
    before = {module: module.training for module in model.modules()}
    model.train(training)
    try:
        yield
    finally:
        for module, was_training in before.items():
            module.training = was_training


eval_mode = lambda model: _mode(model, training=False)


@contextmanager
def _threads_for(batch_size: int) -> Iterator[None]:
    """As many threads as pay for such small matrices: one below 512 windows a step, and one more for each 256."""
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
