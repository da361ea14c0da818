"""From logits to names, and from names to probabilities."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from lib.checkpoints import check_net
from lib.data import Vocabulary, make_windows
from lib.fast_sampling import many_small_calls, tabulated
from lib.training import eval_mode

CHUNK = 8_192  # names sampled in parallel


def sample_names(
    model: nn.Module,
    vocabulary: Vocabulary | None,
    n: int,
    temperature: int | float = 1.0,
    top_k: int | None = None,
    generator: torch.Generator | None = None,
    max_length: int = 64,
) -> list[str]:
    """Sample n names, one position at a time, for all names in parallel.

    Args:
        model: maps (B, T) ids to (B, V) logits, with T its `.context` (8 if it has none), or to (B, T', V), of which the
            last position counts. Runs in eval mode, in which each row of logits must depend on the same row of ids
            alone; the mode is restored.
        vocabulary: the one the model was trained with; None, from a checkpoint that has none, raises.
        n: how many names.
        temperature: the logits are divided by it: below 1 likely characters become likelier, 0 always takes the
            likeliest.
        top_k: sample among the k likeliest characters only.
        generator: source of the random numbers; the same state gives the same names. None is torch's own.
        max_length: names are cut at this many letters.

    Returns:
        The names, without stop mark or padding; empty where the first sampled character is the stop mark.

    Raises:
        ValueError: n below 0, a temperature below 0 or not finite, top_k or max_length below 1, no vocabulary or one of
            another size than the model's, or weights that are NaN.
    """
    check_sampling(temperature, top_k, max_length, n=n)
    if vocabulary is None:
        raise ValueError(
            "sample_names needs the vocabulary that the model was trained with, got None. A checkpoint has it if "
            "train(..., checkpoint=path, vocabulary=vocabulary) wrote it."
        )
    check_net(model, vocabulary)
    names, device = [], next(model.parameters()).device
    tables = tabulated(model)
    with eval_mode(model), many_small_calls() if tables else torch.no_grad():
        net = tables or model
        for begin in range(0, n, CHUNK):
            names += _sample(net, device, vocabulary, min(CHUNK, n - begin), temperature, top_k, generator, max_length)
    return names


def _sample(model, device, vocabulary, n, temperature, top_k, generator, max_length) -> list[str]:
    """One chunk of names. The model runs once per distinct prefix."""
    contexts = torch.zeros(1, getattr(model, "context", 8), dtype=torch.int64)  # (prefixes, T): all stop marks
    running, prefix = torch.arange(n), torch.zeros(n, dtype=torch.int64)  # (running,): which name, which prefix
    written = []
    for _ in range(max_length):
        probs = letter_probs(_last(model(contexts.to(device))), temperature, top_k)  # (prefixes, V)
        V = probs.shape[1]
        if len(vocabulary) != V:
            raise ValueError(
                f"the net gives logits for {V} characters, and the vocabulary has {len(vocabulary)}. "
                "Use the vocabulary that made the windows."
            )
        ids = draw_ids(probs.index_select(0, prefix.to(device)), generator).cpu()  # (running,)
        written.append(torch.zeros(n, dtype=torch.int64).index_copy_(0, running, ids))
        goes_on = ids.nonzero()[:, 0]
        running = running.index_select(0, goes_on)
        if len(running) == 0:
            break
        longer, prefix = (prefix * V + ids).index_select(0, goes_on).unique(return_inverse=True)
        contexts = torch.cat([contexts[:, 1:].index_select(0, longer // V), (longer % V)[:, None]], dim=1)
    return decode_names(torch.stack(written, dim=1), vocabulary)


def _last(logits: Float[Tensor, "B *T V"]) -> Float[Tensor, "B V"]:
    """The logits of a net of windows; of a net of sequences, those of its last position."""
    return logits if logits.ndim == 2 else logits[:, -1]


def decode_names(written: Int[Tensor, "N L"], vocabulary: Vocabulary) -> list[str]:
    """Rows of ids, padded with stop marks, as names."""
    is_drawn = F.pad(written != 0, (1, 0), value=True)  # (N, L + 1): up to the first stop mark
    ids = F.pad(written, (0, 1))[is_drawn]
    characters = vocabulary.characters
    return "".join([characters[number] for number in ids.tolist()]).split(characters[0])[:-1]


def letter_probs(
    logits: Float[Tensor, "B V"], temperature: int | float = 1.0, top_k: int | None = None
) -> Float[Tensor, "B V"]:
    """Probabilities of the next character, in float32 at least: each row sums to 1.

    Args:
        logits: (B, V), one row per example.
        temperature: 0 gives the likeliest character probability 1.
        top_k: characters outside the k likeliest get probability 0.

    Raises:
        ValueError: a logit is NaN, or the largest of a row infinite.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    takes_likeliest = temperature < torch.finfo(logits.dtype).tiny  # 0, or so small that it would round to 0
    scaled = logits
    if temperature != 1 and not takes_likeliest:  # less the highest first, so that no temperature overflows
        scaled = (logits - logits.max(dim=1, keepdim=True).values) / temperature
    if top_k is not None and top_k < logits.shape[1]:
        kept = scaled.topk(top_k, dim=1)
        scaled = torch.full_like(scaled, -math.inf).scatter(1, kept.indices, kept.values)
    probs = F.softmax(scaled, dim=1)
    if probs[:, 0].isnan().any():  # a row is NaN as a whole if one of its logits is, or the largest is infinite
        raise ValueError("the net's logits are NaN or infinite. Train it again, with a tenth of the learning rate.")
    return F.one_hot(logits.argmax(dim=1), logits.shape[1]).to(logits.dtype) if takes_likeliest else probs


def draw_ids(probs: Float[Tensor, "B V"], generator: torch.Generator | None) -> Int[Tensor, "B"]:
    """One random id per row of probabilities; drawn on the generator's device, returned on that of `probs`.

    Does what `torch.multinomial` does for one sample, without its checks: an exponential race, which the likely win often.
    """
    drawn_from = probs if generator is None else probs.to(generator.device)
    if drawn_from.device.type == "cpu" and drawn_from.dtype == torch.float32:  # as below, but all logarithms at once
        uniform = torch.rand(drawn_from.shape, dtype=torch.float64, generator=generator)
        times = uniform.neg_().log1p_().neg_().float()
    else:
        times = torch.empty_like(drawn_from).exponential_(generator=generator)
    return torch.div(drawn_from, times, out=times).argmax(dim=1).to(probs.device)


def check_sampling(temperature: int | float, top_k: int | None = None, max_length: int = 1, **counts: int) -> None:
    """Raise ValueError for a temperature below 0 or not finite, top_k or max_length below 1, or a count below 0."""
    if not (math.isfinite(temperature) and temperature >= 0):
        raise ValueError(
            f"temperature must be finite and at least 0 (0 always picks the likeliest); got {temperature}."
        )
    least = {"top_k": (top_k, 1), "max_length": (max_length, 1)} | {name: (count, 0) for name, count in counts.items()}
    for name, (value, at_least) in least.items():
        if value is not None and value < at_least:
            raise ValueError(f"{name} must be at least {at_least}; got {value}.")


@torch.no_grad()
def name_log_prob(model: nn.Module, vocabulary: Vocabulary, name: str) -> float:
    """The exact log-probability, in nats, that `sample_names` at temperature 1 gives this name, stop mark included.

    Raises:
        ValueError: the name has a letter that the vocabulary lacks, or the stop mark in it; the model's vocabulary is of
            another size, or its weights are NaN.
    """
    check_net(model, vocabulary)
    X, Y = make_windows([name], vocabulary, context=getattr(model, "context", 8))
    with eval_mode(model):
        logits = _last(model(X.to(next(model.parameters()).device))).cpu()  # (letters + 1, V)
    return F.log_softmax(logits.double(), dim=1).gather(1, Y[:, None]).sum().item()
