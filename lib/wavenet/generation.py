"""Generation, one position at a time: with queues, or by computing everything again at each step."""

import copy
from contextlib import nullcontext

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from lib.checkpoints import check_net
from lib.data import Vocabulary
from lib.sampling import CHUNK, check_sampling, decode_names, draw_ids, letter_probs
from lib.training import eval_mode
from lib.wavenet.convolution import CausalConv1d, convolutions, dense_taps


class TreeTaps:
    """Taps that compute only what the last output needs.

    With kernel 2 and dilations 1, 2, 4 this is the tree of the staged net, computed from the dilated net.

    Args:
        model: a net of stacked `CausalConv1d`.

    Source: Le Paine et al. 2016 (arXiv 1611.09482), figure 2, the baseline of the queues.
    """

    def __init__(self, model: nn.Module) -> None:
        self.seen_by: dict[CausalConv1d, Tensor | None] = {}
        layers = convolutions(model)
        outputs = [0]  # those that a later layer needs, in time steps before the last one; earliest first
        for number, layer in reversed(list(enumerate(layers))):
            taps = [[ago + lag for lag in range(layer.reach, -1, -layer.dilation)] for ago in outputs]
            whole = range(sum(conv.reach for conv in layers), -1, -1)
            inputs = sorted({ago for row in taps for ago in row}, reverse=True) if number else list(whole)
            index = {ago: i for i, ago in enumerate(inputs)}
            seen = torch.tensor([[index[ago] for ago in row] for row in taps])  # (outputs, taps)
            in_order = seen.flatten().tolist() == list(range(len(inputs)))
            self.seen_by[layer] = None if in_order else seen
            outputs = inputs

    def __call__(self, layer: CausalConv1d, x: Shaped[Tensor, "B T C"]) -> Shaped[Tensor, "B T_out kC"]:
        """(B, T, C), the computed time steps, to (B, T', kernel_size * C), what the needed outputs see."""
        seen = self.seen_by[layer]
        if seen is None:  # each input once and in order: FlattenConsecutive(kernel_size)
            return x.reshape(len(x), -1, layer.kernel_size * x.shape[2])
        return x[:, seen.to(x.device)].flatten(2)


class Queues:
    """Cache for generation: for every convolution a queue of the inputs that it will need again.

    A queue holds the last (kernel_size - 1) * dilation inputs of its layer in a ring buffer. Each step reads the inputs
    at the taps, computes one output per layer, and overwrites the oldest input with the new one.

    Args:
        model: a `WaveNet`, or what `staged_to_dilated` makes. Runs in eval mode; the mode is restored.
        batch_size: sequences to generate at once. They start after receptive_field stop marks (ids 0); see `fill`.
        condition: (batch_size,) int64, one class per sequence, for a net with conditions.

    Source: Le Paine et al. 2016 (Fast WaveNet, arXiv 1611.09482), section 3.
    """

    def __init__(self, model: nn.Module, batch_size: int = 1, condition: Int[Tensor, "B"] | None = None) -> None:
        self.model, self.condition = model, condition
        self.queues: dict[CausalConv1d, Tensor] = {}
        self.fill(torch.zeros(batch_size, model.receptive_field, dtype=torch.int64, device=_device(model)))

    def fill(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B V"]:
        """Start again after these ids, (B, T) with T at least receptive_field. Returns the logits of the next id."""
        self.time, self.filling = 0, True
        try:
            with eval_mode(self.model):  # once, not at every step
                return self._run(ids)
        finally:
            self.filling = False

    def step(self, ids: Int[Tensor, "B"]) -> Float[Tensor, "B V"]:
        """Add one id to each sequence. Returns the logits of the next id, also stored in `.logits`."""
        logits = self._run(ids[:, None])
        self.time += 1
        return logits

    def _run(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B V"]:
        self.logits = _last_logits(self.model, ids, self.condition, self.taps)
        return self.logits

    def taps(self, layer: CausalConv1d, x: Float[Tensor, "B T C"]) -> Float[Tensor, "B T_out kC"]:
        """What the layer sees: its queue at the taps, then x, the newest input."""
        if self.filling:
            last = x[:, x.shape[1] - layer.reach :].transpose(0, 1)  # (reach, B, C), oldest first
            self.queues[layer] = last.clone(memory_format=torch.contiguous_format)
            return dense_taps(layer, x)
        queue, now = self.queues[layer], x[:, 0]
        if layer.reach == 0:
            return x
        # Slot s holds the input of the latest time t with t % reach = s; the oldest input is in slot time % reach.
        slots = [(self.time + lag) % layer.reach for lag in range(0, layer.reach, layer.dilation)]
        seen = torch.cat([*(queue[slot] for slot in slots), now], dim=1)  # (B, k*C), earliest first
        queue[slots[0]] = now
        return seen[:, None]

    def keep(self, rows: Tensor) -> None:
        """Keep only these rows (mask or indices)."""
        self.queues = {layer: queue[:, rows] for layer, queue in self.queues.items()}
        self.logits = self.logits[rows]
        self.condition = None if self.condition is None else self.condition[rows]

    def state_dict(self) -> dict:
        """A copy of the full state except the model: tensors and plain numbers."""
        queues = list(self.queues.values())
        return copy.deepcopy({"queues": queues, "time": self.time, "logits": self.logits, "condition": self.condition})

    def load_state_dict(self, state: dict) -> None:
        """Continue where `state_dict` was called.

        Raises:
            ValueError: the state belongs to another net.
        """
        expected = [(layer.reach, layer.in_channels) for layer in convolutions(self.model)]
        got = [(queue.shape[0], queue.shape[2]) for queue in state["queues"]]
        if got != expected:
            raise ValueError(
                f"the state belongs to another net: expected queues of (time steps, channels) {expected}, got {got}. "
                "Build the net that the state was saved with."
            )
        state = copy.deepcopy(state)
        self.queues = dict(zip(convolutions(self.model), state["queues"], strict=True))
        self.time, self.logits, self.condition = state["time"], state["logits"], state["condition"]


class NaiveGeneration:
    """No cache: each step runs the net on the whole receptive field. Used like `Queues`.

    Args:
        model, batch_size, condition: as for `Queues`.
        tree: compute only what the last output needs, see `TreeTaps`; False computes every layer densely.
    """

    def __init__(
        self, model: nn.Module, batch_size: int = 1, condition: Int[Tensor, "B"] | None = None, tree: bool = False
    ) -> None:
        self.model, self.condition = model, condition
        self.taps = TreeTaps(model) if tree else dense_taps
        self.fill(torch.zeros(batch_size, model.receptive_field, dtype=torch.int64, device=_device(model)))

    def fill(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B V"]:
        """Start again after these ids, (B, T) with T at least receptive_field. Returns the logits of the next id."""
        with eval_mode(self.model):
            return self._run(ids)

    def step(self, ids: Int[Tensor, "B"]) -> Float[Tensor, "B V"]:
        """Add one id to each sequence. Returns the logits of the next id, also stored in `.logits`."""
        return self._run(torch.cat([self.window, ids[:, None]], dim=1))

    def _run(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B V"]:
        self.window = ids[:, -self.model.receptive_field :]  # (B, receptive_field)
        self.logits = _last_logits(self.model, self.window, self.condition, self.taps)
        return self.logits

    def keep(self, rows: Tensor) -> None:
        """Keep only these rows (mask or indices)."""
        self.window, self.logits = self.window[rows], self.logits[rows]
        self.condition = None if self.condition is None else self.condition[rows]


Recompute = NaiveGeneration  # the name in lesson 08


def generate(
    memory: Queues | NaiveGeneration,
    steps: int,
    temperature: int | float = 1.0,
    top_k: int | None = None,
    generator: torch.Generator | None = None,
) -> Int[Tensor, "B {steps}"]:
    """Draw the next ids of every sequence. Advances the memory, so that a second call continues the sequences.

    Args:
        memory: `Queues(model, batch_size)`, or `NaiveGeneration`, which gives the same ids more slowly.
        steps: ids to draw per sequence.
        temperature, top_k, generator: as for `sample_names`.

    Returns:
        (B, steps) int64.

    Raises:
        ValueError: steps below 0, a temperature below 0 or not finite, top_k below 1.
    """
    check_sampling(temperature, top_k, steps=steps)
    ids = torch.zeros(len(memory.logits), steps, dtype=torch.int64, device=memory.logits.device)
    with eval_mode(memory.model):  # once, not at every step
        for position in range(steps):
            ids[:, position] = draw_ids(letter_probs(memory.logits, temperature, top_k), generator)
            memory.step(ids[:, position])
    return ids


def generate_names(
    model: nn.Module,
    vocabulary: Vocabulary,
    n: int,
    temperature: int | float = 1.0,
    top_k: int | None = None,
    generator: torch.Generator | None = None,
    condition: int | None = None,
    max_length: int = 64,
) -> list[str]:
    """Sample n names with queues: the names of `sample_names(OnWindows(model, condition), ...)`, for less work.

    Args:
        model: a `WaveNet`, or what `staged_to_dilated` makes.
        condition: the class of all the names, for a net with conditions.
        vocabulary, n, temperature, top_k, generator, max_length, returns and errors: as for `sample_names`.
    """
    check_sampling(temperature, top_k, max_length, n=n)
    check_net(model, vocabulary)
    names: list[str] = []
    with eval_mode(model):  # once, not at every step
        for begin in range(0, n, CHUNK):
            size = min(CHUNK, n - begin)
            labels = None if condition is None else torch.full((size,), condition, device=_device(model))
            written = _draw_names(Queues(model, size, labels), max_length, temperature, top_k, generator)
            names += decode_names(written, vocabulary)
    return names


def _draw_names(memory: Queues, max_length: int, temperature, top_k, generator) -> Int[Tensor, "N L"]:
    """Ids of the names, one row per name, padded with stop marks; finished names are removed from the memory."""
    running = torch.arange(len(memory.logits))
    written = torch.zeros(len(running), max_length, dtype=torch.int64)
    for position in range(max_length):
        ids = draw_ids(letter_probs(memory.logits, temperature, top_k), generator)
        written[running, position] = ids.cpu()
        goes_on = ids != 0
        running = running[goes_on.cpu()]
        if len(running) == 0:
            break
        memory.keep(goes_on)
        memory.step(ids[goes_on])
    return written


@torch.no_grad()
def _last_logits(model: nn.Module, ids: Tensor, condition: Tensor | None, taps) -> Float[Tensor, "B V"]:
    given = {} if condition is None else {"condition": condition}
    with eval_mode(model) if model.training else nullcontext():  # iterating over modules costs as much as two layers
        return model(ids, taps=taps, **given)[:, -1]


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device
