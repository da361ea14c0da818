"""Live figures: ES modules that a notebook shows through anywidget, and the site through a script tag."""

import base64
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
from lib.data import STOP, Vocabulary
from lib.plots.graphs import graph
from lib.plots.style import NAME, png_of
from lib.wavenet import dilated_receptive_field

_HERE = files("lib.live")
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)


def module(name: str) -> str:
    """The source of a figure as one ES module: what it imports stands before it, each file once."""
    sources: dict[str, str] = {}

    def add(name: str) -> None:
        source = (_HERE / f"{name}.js").read_text(encoding="utf-8")
        for imported in _IMPORT.findall(source):
            if imported not in sources:
                add(imported)
        sources[name] = _IMPORT.sub("", source)

    add(name)
    *imported, own = sources.values()
    return (
        "\n".join(re.sub(r"^export (?=function|const|class)", "", text, flags=re.MULTILINE) for text in imported) + own
    )


class LiveFigure(anywidget.AnyWidget):
    """A live figure in a notebook.

    Args:
        name: of its module in this folder, as `ladder`.
        still: what stands in its place where no script runs: a PNG, and its description.
        data: what the module's `mount` gets.
    """

    _css = (_HERE / "style.css").read_text(encoding="utf-8")  # given to super().__init__, it would not reach the page
    data = traitlets.Dict().tag(sync=True)

    def __init__(self, name: str, still: tuple[bytes, str], **data: object) -> None:
        self._still = still
        super().__init__(_esm=module(name), data=data)

    def _repr_mimebundle_(self, **options: object) -> tuple[dict, dict]:
        """The widget, and beside it the still figure."""
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        png, description = self._still
        return data | {"image/png": base64.b64encode(png).decode(), "text/plain": description}, metadata


def ladder(word: str = NAME) -> LiveFigure:
    """The ladder of lesson 02: type a word, choose the stages, point at a box."""
    fig = plots.ladder(word.lower()[-8:].rjust(8, STOP))
    return LiveFigure("ladder", (png_of(fig), fig.alt), word=word)


def taps(kernel: int = 2, dilations: Sequence[int] = (1, 2, 4)) -> LiveFigure:
    """Who meets whom: choose the kernel size (2 to 4) and the dilations of up to five layers, point at an output.

    Raises:
        ValueError: the kernel size or a dilation is below 1.
    """
    text = STOP * dilated_receptive_field(kernel, dilations) + NAME
    fig = graph(text, dilations=dilations, highlight=len(text) - 1, kernel=kernel)
    return LiveFigure("taps", (png_of(fig), fig.alt), kernel=kernel, dilations=list(dilations))


def weights(model: nn.Sequential, vocabulary: Vocabulary) -> bytes:
    """A staged net (GELU) for the page: the length of a header as a 32-bit number, the header in JSON, float32 numbers.

    The numbers: the embedding (V, C); for each stage the matrix (H, 2C) and the bias (H,), with BatchNorm's running
    statistics, scale and shift multiplied in; the head's matrix (V, H) and bias (V,). Little-endian.
    """
    numbers = [model.embedding.weight]
    for name, stage in model.named_children():
        if name.startswith("stage"):
            scale = stage.norm.weight / (stage.norm.running_var + stage.norm.eps).sqrt()
            numbers += [stage.linear.weight * scale[:, None], stage.norm.bias - stage.norm.running_mean * scale]
    numbers += [model.head.weight, model.head.bias]
    header = {
        "characters": "".join(vocabulary.letters),
        "context": model.context,
        "shapes": [list(number.shape) for number in numbers],
    }
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)
    flat = torch.cat([number.detach().float().flatten() for number in numbers])
    return struct.pack("<I", len(text)) + text + flat.numpy().astype("<f4").tobytes()
