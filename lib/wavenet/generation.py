"""Generation, one position after the other: with queues, or by computing everything anew each time."""

import copy
import math
from contextlib import nullcontext

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from lib.data import Vocabulary
from lib.sampling import PIECE, letter_probs
from lib.training import eval_mode
from lib.wavenet.convolution import CausalConv1d, convolutions, dense_taps


class TreeTaps:
    """Where a net's convolutions find their inputs when only the last output is wanted: whatever it does not need is left out.

    With kernel 2 and dilations 1, 2, 4 this is the tree of the staged net, computed from the dilated net.

    Args:
        model: a net of stacked `CausalConv1d`.

    Source: Le Paine et al. 2016 (arXiv 1611.09482), figure 2, where it is what the queues are compared with.
    """

    def __init__(self, model: nn.Module) -> None:
        self.seen_by: dict[CausalConv1d, Tensor | None] = {}
        layers = convolutions(model)
        wanted = [
            0
        ]  # how many time steps before the last one, for each output that a later layer needs; earliest first
        for number, layer in reversed(list(enumerate(layers))):
            taps = [[ago + lag for lag in range(layer.reach, -1, -layer.dilation)] for ago in wanted]
            whole = range(sum(conv.reach for conv in layers), -1, -1)
            inputs = sorted({ago for row in taps for ago in row}, reverse=True) if number else list(whole)
            place = {ago: i for i, ago in enumerate(inputs)}
            seen = torch.tensor([[place[ago] for ago in row] for row in taps])  # (outputs, taps)
            in_order = seen.flatten().tolist() == list(range(len(inputs)))
            self.seen_by[layer] = None if in_order else seen
            wanted = inputs

    def __call__(self, layer: CausalConv1d, x: Shaped[Tensor, "B T C"]) -> Shaped[Tensor, "B T_out kC"]:
        """(B, T, C), the time steps that were computed, to (B, T', kernel_size * C), what the needed outputs see."""
        seen = self.seen_by[layer]
        if seen is None:  # each input once and in order: FlattenConsecutive(kernel_size)
            return x.reshape(len(x), -1, layer.kernel_size * x.shape[2])
        return x[:, seen.to(x.device)].flatten(2)


class Queues:
    """A net's memory while it generates: for every convolution a queue of the inputs that it will need again.

    A queue holds the last (kernel_size - 1) * dilation inputs of its layer in a ring; each step takes the ones at the taps
    out, computes one output a layer, and puts the new input in the place of the oldest.

    Args:
        model: a `WaveNet`, or what `staged_to_dilated` makes. Runs in eval mode; the mode is put back.
        batch_size: sequences to generate at once. They start after receptive_field stop marks (ids 0); see `fill`.
        condition: (batch_size,) int64, one class a sequence, for a net that wants one.

    Source: Le Paine et al. 2016 (Fast WaveNet, arXiv 1611.09482), section 3.
    """

    def __init__(self, model: nn.Module, batch_size: int = 1, condition: Int[Tensor, "B"] | None = None) -> None:
        self.model, self.condition = model, condition
        self.queues: dict[CausalConv1d, Tensor] = {}
        self.fill(torch.zeros(batch_size, model.receptive_field, dtype=torch.int64, device=_device(model)))

    def fill(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B V"]:
        """Start anew after these ids, (B, T) with T at least receptive_field. Returns the logits of the next."""
        self.time, self.filling = 0, True
        try:
            with eval_mode(self.model):  # once, not at every step
                return self._run(ids)
        finally:
            self.filling = False

    def step(self, ids: Int[Tensor, "B"]) -> Float[Tensor, "B V"]:
        """Take one more id of each sequence in. Returns the logits of the next, which `.logits` keeps."""
        logits = self._run(ids[:, None])
        self.time += 1
        return logits

    def _run(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B V"]:
        self.logits = _last_logits(self.model, ids, self.condition, self.taps)
        return self.logits

    def taps(self, layer: CausalConv1d, x: Float[Tensor, "B T C"]) -> Float[Tensor, "B T_out kC"]:
        """What the layer sees: its queue at the taps, then x, its newest input."""
        if self.filling:
            last = x[:, x.shape[1] - layer.reach :].transpose(0, 1)  # (reach, B, C), oldest first
            self.queues[layer] = last.clone(memory_format=torch.contiguous_format)
            return dense_taps(layer, x)
        queue, now = self.queues[layer], x[:, 0]
        if layer.reach == 0:
            return x
        # Slot s holds the input of the last time t with t % reach = s, so the oldest, about to be replaced, is at time % reach.
        slots = [(self.time + lag) % layer.reach for lag in range(0, layer.reach, layer.dilation)]
        seen = torch.cat([*(queue[slot] for slot in slots), now], dim=1)  # (B, k*C), earliest first
        queue[slots[0]] = now
        return seen[:, None]

    def keep(self, rows: Tensor) -> None:
        """Go on with these sequences only: a mask or numbers of rows."""
        self.queues = {layer: queue[:, rows] for layer, queue in self.queues.items()}
        self.logits = self.logits[rows]
        self.condition = None if self.condition is None else self.condition[rows]

    def state_dict(self) -> dict:
        """A copy of all that the next step depends on, but for the model: tensors and plain numbers."""
        queues = list(self.queues.values())
        return copy.deepcopy({"queues": queues, "time": self.time, "logits": self.logits, "condition": self.condition})

    def load_state_dict(self, state: dict) -> None:
        """Go on where `state_dict` was called.

        Raises:
            ValueError: the state is of another net.
        """
        wanted = [(layer.reach, layer.in_channels) for layer in convolutions(self.model)]
        found = [(queue.shape[0], queue.shape[2]) for queue in state["queues"]]
        if found != wanted:
            raise ValueError(
                f"the state is of another net: its queues have (time steps, channels) {found}, this net's {wanted}. "
                "Make the net that the state was saved with."
            )
        state = copy.deepcopy(state)
        self.queues = dict(zip(convolutions(self.model), state["queues"], strict=True))
        self.time, self.logits, self.condition = state["time"], state["logits"], state["condition"]


class Recompute:
    """Naive generation: at each step the net is run on the whole receptive field. Used like `Queues`.

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
        """Start anew after these ids, (B, T) with T at least receptive_field. Returns the logits of the next."""
        with eval_mode(self.model):
            return self._run(ids)

    def step(self, ids: Int[Tensor, "B"]) -> Float[Tensor, "B V"]:
        """Take one more id of each sequence in. Returns the logits of the next, which `.logits` keeps."""
        return self._run(torch.cat([self.window, ids[:, None]], dim=1))

    def _run(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B V"]:
        self.window = ids[:, -self.model.receptive_field :]  # (B, receptive_field)
        self.logits = _last_logits(self.model, self.window, self.condition, self.taps)
        return self.logits

    def keep(self, rows: Tensor) -> None:
        """Go on with these sequences only: a mask or numbers of rows."""
        self.window, self.logits = self.window[rows], self.logits[rows]
        self.condition = None if self.condition is None else self.condition[rows]


def generate(
    memory: Queues | Recompute,
    steps: int,
    temperature: int | float = 1.0,
    top_k: int | None = None,
    generator: torch.Generator | None = None,
) -> Int[Tensor, "B {steps}"]:
    """Draw the next ids of every sequence, and move the memory on, so that a second call goes on where this one ends.

    Args:
        memory: `Queues(model, batch_size)`, or `Recompute`, which gives the same ids more slowly.
        steps: ids to draw for each sequence.
        temperature, top_k, generator: as for `sample_names`.

    Returns:
        (B, steps) int64.

    Raises:
        ValueError: steps below 0, a temperature below 0 or not finite, top_k below 1.
    """
    _check(temperature, top_k=top_k)
    if steps < 0:
        raise ValueError(f"generate can't draw {steps} ids; steps must be 0 or more.")
    ids = torch.zeros(len(memory.logits), steps, dtype=torch.int64, device=memory.logits.device)
    with eval_mode(memory.model):  # once, not at every step
        for place in range(steps):
            ids[:, place] = _draw(memory.logits, temperature, top_k, generator)
            memory.step(ids[:, place])
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
        condition: the class of all the names, for a net that wants one.
        vocabulary, n, temperature, top_k, generator, max_length: as for `sample_names`.

    Returns:
        The names, without stop mark or padding.

    Raises:
        ValueError: n below 0, a temperature below 0 or not finite, top_k or max_length below 1.
    """
    _check(temperature, top_k=top_k, max_length=max_length)
    if n < 0:
        raise ValueError(f"generate_names can't sample {n} names; n must be 0 or more.")
    names: list[str] = []
    with eval_mode(model):  # once, not at every step
        for begin in range(0, n, PIECE):
            size = min(PIECE, n - begin)
            labels = None if condition is None else torch.full((size,), condition, device=_device(model))
            letters = _draw_names(Queues(model, size, labels), max_length, temperature, top_k, generator)
            names += [vocabulary.decode(row).rstrip(vocabulary.letters[0]) for row in letters.tolist()]
    return names


def _draw_names(memory: Queues, max_length: int, temperature, top_k, generator) -> Int[Tensor, "N L"]:
    """Letters of the names, a row each, with stop marks behind; only the names that have not ended go on."""
    running = torch.arange(len(memory.logits))
    letters = torch.zeros(len(running), max_length, dtype=torch.int64)
    for place in range(max_length):
        ids = _draw(memory.logits, temperature, top_k, generator)
        letters[running, place] = ids.cpu()
        goes_on = ids != 0
        running = running[goes_on.cpu()]
        if len(running) == 0:
            break
        memory.keep(goes_on)
        memory.step(ids[goes_on])
    return letters[:, : place + 1]


@torch.no_grad()
def _last_logits(model: nn.Module, ids: Tensor, condition: Tensor | None, taps) -> Float[Tensor, "B V"]:
    given = {} if condition is None else {"condition": condition}
    with eval_mode(model) if model.training else nullcontext():  # to look at every module takes as long as two layers
        return model(ids, taps=taps, **given)[:, -1]


def _draw(logits, temperature, top_k, generator) -> Int[Tensor, "B"]:
    """One id a row, on the device of the logits; probabilities in float32 at least."""
    probs = letter_probs(logits if logits.dtype == torch.float64 else logits.float(), temperature, top_k)
    drawn = probs if generator is None else probs.to(generator.device)
    return torch.multinomial(drawn, num_samples=1, generator=generator).squeeze(1).to(logits.device)


def _check(temperature: int | float, **at_least_one: int | None) -> None:
    if not (math.isfinite(temperature) and temperature >= 0):
        raise ValueError(f"the temperature must be 0 (always the likeliest) or a number above; got {temperature}.")
    for name, value in at_least_one.items():
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1; got {value}.")


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device
