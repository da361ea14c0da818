"""Saved nets: a file holds the characters, the settings and weights of a net, and perhaps the state of its training."""

import functools
import importlib
import inspect
import io
import os
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import nn

from lib import layers
from lib.batches import Batches
from lib.data import Vocabulary
from lib.distributed import is_first

# Imported when a net is built, so that the core does not depend on the packages above it.
BUILDERS = {"flat_model": "lib.models", "staged_model": "lib.models", "WaveNet": "lib.wavenet"}
PARTS = ("characters", "weights", "fingerprint", "history", "optimizer", "batches", "generator")  # of a checkpoint
LAYERS = {"torch.nn": nn, "lib.layers": layers}


def save_model(
    path: str | Path,
    model: nn.Module,
    vocabulary: Vocabulary | None = None,
    training: dict | None = None,
    **facts: object,
) -> None:
    """Write a net to a file from which `load_model` builds it again.

    Args:
        path: the file; its folder must exist.
        model: what `flat_model`, `staged_model` or `WaveNet` made; any other module only with `training`.
        vocabulary: of the characters that the ids stand for; None if they are not characters, as in sound.
        training: the state of its training run, as `train` saves it.
        facts: plain values worth keeping, such as val=1.97.

    Raises:
        ValueError: no settings to build the net from, a vocabulary of another size, or weights that are NaN.
        FileNotFoundError, IsADirectoryError, PermissionError: `path` is a folder, or in one that is missing or locked.
    """
    settings = getattr(model, "settings", None)
    if training is None and str(_build(settings)) != str(model):
        raise ValueError(
            f"the net was changed after it was made: its settings {settings} build another one. "
            "Make it with these settings, or save its state_dict."
        )
    check_net(model, vocabulary)
    characters = None if vocabulary is None else vocabulary.decode(range(len(vocabulary)))
    saved = {"characters": characters, "settings": settings, "weights": model.state_dict(), "facts": facts}
    save_checkpoint(path, saved if training is None else saved | {"training": training})


def load_model(path: str | Path) -> tuple[nn.Module, Vocabulary | None]:
    """A saved net in eval mode, and its vocabulary; `sample_names(*load_model(path), 10)` samples from it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a checkpoint, its settings, weights and characters do not fit, or its weights are NaN.
    """
    saved = load_checkpoint(path)
    try:
        if missing := sorted({"characters", "settings", "weights"} - saved.keys()):
            raise ValueError(f"it has no {' and no '.join(missing)}. save_model and train write files that have them.")
        model, vocabulary = _build(saved["settings"]), vocabulary_of(saved)
        model.load_state_dict(saved["weights"], assign=True)  # assign: keeps their dtype
        check_net(model, vocabulary)
    except (AttributeError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{str(path)!r} can't be loaded as a net: {error}") from error
    return model.eval(), vocabulary


def vocabulary_of(saved: dict) -> Vocabulary | None:
    """The vocabulary of what `load_checkpoint` read."""
    if saved["characters"] is None:
        return None
    vocabulary = Vocabulary(list(saved["characters"][1:]))
    if vocabulary.decode(range(len(vocabulary))) != saved["characters"]:
        raise ValueError(f"its characters {saved['characters']!r} are not the stop mark and then sorted letters.")
    return vocabulary


@dataclass
class TrainingState:
    """Everything that the next step depends on, saved and restored together, so that a training run can be resumed.

    Args:
        model, optimizer, batches, history: of the training run; restored in place.
        path: the checkpoint's file; None for no checkpoint.
        vocabulary: of the model's ids; None takes the one that the file has.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    batches: Batches
    history: object
    path: str | Path | None = None
    vocabulary: Vocabulary | None = None
    fingerprint: dict = field(default_factory=dict)

    def save(self) -> None:
        """Write the checkpoint, if there is to be one; of several processes, the first does."""
        if self.path is None or not is_first():
            return
        state = {"fingerprint": self.fingerprint, "history": asdict(self.history), "generator": torch.get_rng_state()}
        state |= {"optimizer": self.optimizer.state_dict(), "batches": self.batches.state_dict()}
        save_model(self.path, self.model, self.vocabulary, training=state)

    def resume(self, **fingerprint: object) -> None:
        """Continue from the file if it exists.

        Args:
            fingerprint: plain values that identify the training run.

        Raises:
            ValueError: the file is from a different training run, or the vocabulary of a different net.
            FileNotFoundError, IsADirectoryError, PermissionError: `path` is a folder, or in one that is missing or locked.
        """
        self.fingerprint = {"net": getattr(self.model, "settings", None)} | fingerprint
        self.path = check_path(self.path)
        check_net(self.model, self.vocabulary)
        if not self.path.exists():
            return
        saved = load_checkpoint(self.path)
        state, again = saved.get("training"), "Give another checkpoint path, or delete the file to start again."
        if state is None:
            raise ValueError(f"{str(self.path)!r} holds no training run to resume. {again}")
        if missing := sorted({*PARTS} - saved.keys() - state.keys()):
            raise ValueError(f"{str(self.path)!r} is incomplete: it has no {' and no '.join(missing)}. {again}")
        for name, expected in self.fingerprint.items():
            if (actual := state["fingerprint"].get(name)) != expected:
                got = f"expected {name} {expected}, got {actual}"
                raise ValueError(f"the checkpoint is from a different training run: {got}. {again}")
        self.vocabulary = self.vocabulary or vocabulary_of(saved)
        self.model.load_state_dict(saved["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.batches.load_state_dict(state["batches"])
        torch.set_rng_state(state["generator"])
        vars(self.history).update(state["history"])


def records_settings(build: Callable) -> Callable:
    """Decorator of a function that returns a net, or of a net's `__init__`: keeps its arguments in `.settings`.

    The settings are plain values: a layer's class, such as nn.GELU, is kept by its name.
    """
    signature, name = inspect.signature(build), build.__qualname__.removesuffix(".__init__")

    @functools.wraps(build)
    def recorded(*args, **kwargs):
        made = build(*args, **kwargs)
        call = signature.bind(*args, **kwargs)
        call.apply_defaults()
        net = call.arguments.pop("self", made)
        net.settings = {"net": name} | {key: _plain(value) for key, value in call.arguments.items()}
        return made

    return recorded


def save_checkpoint(path: str | Path, checkpoint: dict) -> None:
    """Write a dict of tensors and plain values, atomically."""
    path, buffer = check_path(path), io.BytesIO()
    torch.save(checkpoint, buffer)
    atomic_write(path, buffer.getvalue())


def load_checkpoint(path: str | Path) -> dict:
    """Read a checkpoint; runs no code that a file might hold.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a checkpoint, is truncated, or holds more than tensors and plain values.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"there is no checkpoint at {str(path)!r}. train(..., checkpoint=path) writes one.")
    try:
        checkpoint = torch.load(path, weights_only=True, map_location="cpu")
        if not isinstance(checkpoint, dict):
            raise TypeError(f"expected a dict, got {type(checkpoint).__name__}")
        return checkpoint
    except Exception as error:
        raise ValueError(f"{str(path)!r} can't be read as a checkpoint: {error}. Delete it to start again.") from error


def check_net(model: nn.Module, vocabulary: Vocabulary | None) -> None:
    """Raise ValueError where the vocabulary is of another size than the net, or the net's weights are NaN."""
    size = layers.vocabulary_size(model)
    if vocabulary is not None and size not in (None, len(vocabulary)):
        raise ValueError(
            f"the net is made for {size} characters, and the vocabulary has {len(vocabulary)}. "
            "Use the vocabulary that made the windows."
        )
    if bad := [name for name, value in model.state_dict().items() if value.isnan().any()]:
        raise ValueError(
            f"the weights are NaN in {', '.join(bad[:3])}. Train again, with a tenth of the learning rate."
        )


def check_path(path: str | Path) -> Path:
    """The path, `~` replaced by the home folder; an OSError where no file can be written: before the work, not after it."""
    path = Path(path).expanduser()
    if path.is_dir():
        raise IsADirectoryError(
            f"{str(path)!r} is a folder. Give the path of a file, such as {str(path / 'net.pt')!r}."
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder of {str(path)!r} does not exist. Create {str(path.parent)!r} first.")
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent):
            return path
    except OSError as error:
        raise type(error)(
            f"no file can be written to the folder of {str(path)!r}: {error.strerror}. Give a path in another folder."
        ) from error


def atomic_write(path: str | Path, data: bytes | str) -> None:
    """Replace a file as a whole or not at all: write to a new file in the same folder, then rename it."""
    part = Path(path).with_name(
        f".{secrets.token_hex(8)}.part"
    )  # short, because the name may already be of maximal length
    try:
        with open(part, "xb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _build(settings: dict | None) -> nn.Module:
    """The net of these settings, with random weights; leaves torch's generator unchanged."""
    arguments = _arguments(settings)
    build = getattr(importlib.import_module(BUILDERS[settings["net"]]), settings["net"])
    with torch.random.fork_rng(devices=[]):
        return build(**arguments)


def _plain(value: object) -> object:
    if isinstance(value, list | tuple | range):
        return tuple(map(_plain, value))
    if hasattr(value, "item"):  # NumPy's numbers are no plain ones
        return value.item()
    if not callable(value):
        return value
    name = getattr(value, "__name__", repr(value))
    rooms = [room for room, module in LAYERS.items() if getattr(module, name, None) is value]
    return f"{rooms[0]}.{name}" if rooms else name


def _layer(name: str) -> type[nn.Module]:
    room, _, layer = name.rpartition(".")
    value = getattr(LAYERS.get(room), layer, None)
    if not (isinstance(value, type) and issubclass(value, nn.Module)):
        raise ValueError(
            f"its settings name {name!r}, which is not a layer of torch.nn or lib.layers. Use one of these."
        )
    return value


def _arguments(settings: dict | None) -> dict[str, object]:
    """What to call the net's builder with."""
    if settings is None or settings.get("net") not in BUILDERS:
        raise ValueError(f"no settings to build the net from; got {settings}. Use a net made by {', '.join(BUILDERS)}.")
    arguments = {key: value for key, value in settings.items() if key != "net"}
    return {key: _layer(value) if isinstance(value, str) else value for key, value in arguments.items()}
