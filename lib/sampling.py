"""From logits to names, and from names to probabilities."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from lib.data import Vocabulary, make_windows
from lib.training import eval_mode

PIECE = 8_192


@torch.no_grad()
def sample_names(
    model: nn.Module,
    vocabulary: Vocabulary,
    n: int,
    temperature: int | float = 1.0,
    top_k: int | None = None,
    generator: torch.Generator | None = None,
    max_length: int = 64,
) -> list[str]:
    """Sample n names, all letters of one place at once.

    Args:
        model: from (B, T) ids to (B, V) logits, with T its `.context` (8 if it has none). Runs in eval mode, in which each
            row of logits must follow from its own row of ids alone; the mode is put back.
        vocabulary: the one the model was trained with.
        n: how many names.
        temperature: the logits are divided by it: below 1 the likely letters become likelier, 0 always takes the
            likeliest.
        top_k: sample among the k likeliest letters only.
        generator: where the random numbers come from; the same state gives the same names. None is torch's own.
        max_length: letters after which a name that does not end is cut.

    Returns:
        The names, without stop mark or padding; an empty one where the net ends a name before its first letter.

    Raises:
        ValueError: n below 0, a temperature below 0 or not finite, top_k or max_length below 1.
    """
    if n < 0:
        raise ValueError(f"sample_names can't sample {n} names; n must be 0 or more.")
    if not (math.isfinite(temperature) and temperature >= 0):
        raise ValueError(
            f"the temperature must be 0 (always the likeliest letter) or a number above; got {temperature}."
        )
    for name, value in (("top_k", top_k), ("max_length", max_length)):
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1; got {value}.")
    names: list[str] = []
    with eval_mode(model):
        for begin in range(0, n, PIECE):
            names += _sample(model, vocabulary, min(PIECE, n - begin), temperature, top_k, generator, max_length)
    return names


def _sample(model, vocabulary, n, temperature, top_k, generator, max_length) -> list[str]:
    """One piece of at most PIECE names. The net is asked once for each beginning, however many names share it."""
    device = next(model.parameters()).device
    contexts = torch.zeros(1, getattr(model, "context", 8), dtype=torch.int64)  # (beginnings, T): all stop marks
    running, beginning = torch.arange(n), torch.zeros(n, dtype=torch.int64)  # (running,): which name, which context
    letters = torch.zeros(n, max_length + 1, dtype=torch.int64)  # one more, so that a stop mark is behind every name
    for place in range(max_length):
        probs = letter_probs(model(contexts.to(device)), temperature, top_k)  # (beginnings, V)
        if generator is not None:
            probs = probs.to(generator.device)
        probs = probs[beginning.to(probs.device)]  # (running, V)
        ids = torch.multinomial(probs, num_samples=1, generator=generator).squeeze(1).cpu()  # (running,)
        letters[running, place] = ids
        goes_on = ids != 0
        running = running[goes_on]
        if len(running) == 0:
            break
        V = probs.shape[1]
        longer, beginning = (beginning * V + ids)[goes_on].unique(return_inverse=True)
        contexts = torch.cat([contexts[longer // V, 1:], (longer % V)[:, None]], dim=1)
    is_drawn = F.pad(letters[:, :-1] != 0, (1, 0), value=True)  # (n, max_length + 1): the first stop mark, too
    return vocabulary.decode(letters[is_drawn].tolist()).split(vocabulary.letters[0])[:-1]


def letter_probs(
    logits: Float[Tensor, "B V"], temperature: int | float = 1.0, top_k: int | None = None
) -> Float[Tensor, "B V"]:
    """Probabilities of the next letter: each row sums to 1.

    Args:
        logits: (B, V), a row an example.
        temperature: 0 puts everything on the likeliest letter.
        top_k: letters outside the k likeliest get probability 0.
    """
    if temperature < torch.finfo(logits.dtype).tiny:  # 0, or so small that it would round to 0
        return F.one_hot(logits.argmax(dim=1), logits.shape[1]).to(logits.dtype)
    logits = (logits - logits.max(dim=1, keepdim=True).values) / temperature  # so that no temperature overflows
    if top_k is not None and top_k < logits.shape[1]:
        kept = logits.topk(top_k, dim=1)
        logits = torch.full_like(logits, -math.inf).scatter(1, kept.indices, kept.values)
    return F.softmax(logits, dim=1)


@torch.no_grad()
def name_log_prob(model: nn.Module, vocabulary: Vocabulary, name: str) -> float:
    """The exact log-probability that `sample_names` at temperature 1 gives for this name, in nats, stop mark included.

    Raises:
        ValueError: the name has a letter that the vocabulary lacks, or the stop mark in it.
    """
    X, Y = make_windows([name], vocabulary, context=getattr(model, "context", 8))
    with eval_mode(model):
        logits = model(X.to(next(model.parameters()).device)).cpu()  # (letters + 1, V)
    return F.log_softmax(logits.double(), dim=1).gather(1, Y[:, None]).sum().item()
