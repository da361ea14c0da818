"""Live figures: ES modules that a notebook shows through anywidget, and the site through a script tag."""

import html
import json
import re
import struct
from collections.abc import Sequence
from importlib.resources import files

import anywidget
import torch
import traitlets
from torch import nn

from lib import plots
from lib.checkpoints import check_net
from lib.data import STOP, Vocabulary
from lib.layers import Stage
from lib.live.leaks import NETS, TEXT, dependence
from lib.models import trained_model
from lib.plots import future as future_figures
from lib.plots import memory
from lib.plots.graphs import graph
from lib.plots.probabilities import bars
from lib.plots.style import NAME, DescribedFigure, Picture
from lib.sampling import letter_probs
from lib.training import eval_mode
from lib.wavenet import dilated_receptive_field

_HERE = files("lib.live")
_RENDER = '\nexport default { render({ model, el }) { mount(el, model.get("data"))?.catch(console.error); } };\n'
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)


def module(name: str) -> str:
    """The source of a figure as one ES module for anywidget: what it imports stands before it, each file once."""
    sources: dict[str, str] = {}

    def add(name: str) -> None:
        source = (_HERE / f"{name}.js").read_text(encoding="utf-8")
        for imported in _IMPORT.findall(source):
            if imported not in sources:
                add(imported)
        sources[name] = _IMPORT.sub("", source)

    add(name)
    *imported, own = sources.values()
    hidden = [re.sub(r"^export (?=function|const|class)", "", text, flags=re.MULTILINE) for text in imported]
    return "\n".join(hidden) + own + _RENDER


class LiveFigure(anywidget.AnyWidget):
    """A live figure in a notebook, with the still figure beside it for where no script runs.

    Args:
        name: of its module in this folder, as `ladder`.
        still: the figure that stands in its place, with its description in `.alt`.
        data: what the module's `mount` gets.
    """

    _css = (_HERE / "style.css").read_text(encoding="utf-8")  # given to super().__init__, it would not reach the page
    data = traitlets.Dict().tag(sync=True)

    def __init__(self, name: str, still: DescribedFigure, /, **data: object) -> None:
        self.name, self.still = name, Picture(still)
        super().__init__(_esm=module(name), data=data)

    @property
    def html(self) -> str:
        """The still figure, in the place where the site shows the live one."""
        data = json.dumps({key: value for key, value in self.data.items() if not isinstance(value, bytes)})
        return f'<div class="live" data-figure="{self.name}" data-data="{html.escape(data)}">{self.still.html}</div>'

    def _repr_mimebundle_(self, **options: object) -> dict:
        """The widget, and the still figure as HTML, PNG and text."""
        bundle = super()._repr_mimebundle_(**options)
        widget = bundle[0] if isinstance(bundle, tuple) else bundle
        return widget | self.still._repr_mimebundle_() | {"text/html": self.html}


def ladder(word: str = NAME, **state: object) -> LiveFigure:
    """The ladder of lesson 02: type a word, choose the stages, point at a box."""
    fig = plots.ladder(word.lower()[-8:].rjust(8, STOP))
    return LiveFigure("ladder", fig, word=word, **state)


def taps(kernel: int = 2, dilations: Sequence[int] = (1, 2, 4)) -> LiveFigure:
    """Who meets whom: choose the kernel size (2 to 4) and the dilations of up to five layers, point at an output.

    Raises:
        ValueError: the kernel size or a dilation is below 1.
    """
    text = STOP * dilated_receptive_field(kernel, dilations) + NAME
    fig = graph(text, dilations=dilations, highlight=len(text) - 1, kernel=kernel)
    return LiveFigure("taps", fig, kernel=kernel, dilations=list(dilations))


def weights(model: nn.Module, vocabulary: Vocabulary | None) -> bytes:
    """A staged net (GELU) for the page: the length of a header as a 32-bit number, the header in JSON, float32 numbers.

    The numbers: the embedding (V, C); for each stage the matrix (H, 2C) and the bias (H,), with BatchNorm's running
    statistics, scale and shift multiplied in; the head's matrix (V, H) and bias (V,). Little-endian.

    Raises:
        ValueError: another net, a vocabulary of another size, or weights that are NaN.
    """
    stages = [layer for name, layer in getattr(model, "named_children", dict)() if name.startswith("stage")]
    gelu = [isinstance(stage, Stage) and repr(stage.activation) == repr(nn.GELU()) for stage in stages]
    halved = [stage for stage, has_gelu in zip(stages, gelu, strict=True) if has_gelu and stage.flatten.n == 2]
    if not stages or halved != stages or not isinstance(getattr(model, "head", None), nn.Linear):
        raise ValueError(
            "the page runs staged nets with GELU only; "
            f"got {getattr(model, 'settings', None) or type(model).__name__}. "
            "Make one with staged_model(len(vocabulary), activation=nn.GELU, residual=True)."
        )
    if vocabulary is None:
        raise ValueError("the page needs the vocabulary that the net was trained with, got None.")
    check_net(model, vocabulary)
    numbers = [model.embedding.weight]
    for stage in stages:
        scale = stage.norm.weight / (stage.norm.running_var + stage.norm.eps).sqrt()
        numbers += [stage.linear.weight * scale[:, None], stage.norm.bias - stage.norm.running_mean * scale]
    numbers += [model.head.weight, model.head.bias]
    header = {
        "characters": "".join(vocabulary.letters),
        "context": model.context,
        "residual": [stage.residual for stage in stages],
        "shapes": [list(number.shape) for number in numbers],
    }
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)
    flat = torch.cat([number.detach().float().flatten().cpu() for number in numbers])
    return struct.pack("<I", len(text)) + text + flat.numpy().astype("<f4").tobytes()


def net(
    start: str = "charli", model: nn.Module | None = None, vocabulary: Vocabulary | None = None, **state: object
) -> LiveFigure:
    """The trained net in the page: what comes next, names from a seed, how likely a name is.

    Args:
        start: the beginning of the names; loses characters that the vocabulary lacks.
        model: a staged net with GELU; None is `trained_model()`'s.
        vocabulary: the one that the model was trained with.

    Raises:
        ValueError: another net, or only one of model and vocabulary.
    """
    if model is None and vocabulary is None:
        model, vocabulary = trained_model()
    written = weights(model, vocabulary)
    start = "".join(letter for letter in start if letter in vocabulary.letters[1:])
    window = vocabulary.encode(start[-model.context :].rjust(model.context, STOP))
    with torch.no_grad(), eval_mode(model):
        ids = torch.tensor([window], device=model.head.weight.device)
        probs = letter_probs(model(ids).cpu())[0]
    fig = bars({"": probs}, vocabulary.letters, f"What the net expects after {start!r}" if start else "How names begin")
    return LiveFigure("net", fig, weights=written, start=start, **state)


def queues(name: str = "charlie", **state: object) -> LiveFigure:
    """What each layer's queue holds while a WaveNet writes a name, with the multiplications that this saves."""
    fig = memory.queue_picture((STOP + name).rjust(5, STOP))
    return LiveFigure("queues", fig, word=name, **state)


def future(net: str = "causal", **state: object) -> LiveFigure:
    """Which outputs of a net change when a token moves: "causal", "same", "short" or "batchnorm", as in lesson 09."""
    strength = dependence(net)
    fig = future_figures.dependence_maps({NETS[net]: strength}, TEXT, "Which output sees which token")
    return LiveFigure("future", fig, net=net, **state)
