"""The two nets that the lessons compare: one flattens at once, one in stages."""

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import nn

from lib.checkpoints import load_model, records_settings
from lib.data import DATA, Vocabulary
from lib.layers import BatchNorm1d, FlattenConsecutive, Stage

TRAINED = DATA / "staged_long.pt"
TRAINED_NET = {"activation": nn.GELU, "residual": True}


@records_settings
def flat_model(vocabulary_size: int, context: int = 8, embedding: int = 10, hidden: int = 200) -> nn.Sequential:
    """The net that flattens its whole context at once: embedding, one hidden layer, logits.

    Args:
        vocabulary_size: number of characters, the stop mark included.
        context: window length, in time steps.
        embedding: channels of each character.
        hidden: channels of the hidden layer.

    Returns:
        A model from (B, context) ids to (B, vocabulary_size) logits; its `.context` is `context`. 22,097 parameters
        for 27 characters.

    Raises:
        ValueError: a size below 1.

    Source: Karpathy's makemore part 5, where it starts (after Bengio et al. 2003).
    """
    _check_sizes(vocabulary_size=vocabulary_size, context=context, embedding=embedding, hidden=hidden)
    return add_head(
        OrderedDict(
            embedding=nn.Embedding(vocabulary_size, embedding),
            flatten=FlattenConsecutive(context),
            linear=nn.Linear(context * embedding, hidden, bias=False),
            norm=BatchNorm1d(hidden),
            activation=nn.Tanh(),
        ),
        hidden,
        vocabulary_size,
        context,
    )


@records_settings
def staged_model(
    vocabulary_size: int,
    context: int = 8,
    embedding: int = 24,
    hidden: int = 128,
    activation: Callable[[], nn.Module] = nn.Tanh,
    residual: bool = False,
) -> nn.Sequential:
    """The net that flattens in stages: embedding, then pairs, quads, eights, each with its own layer, then logits.

    Args:
        vocabulary_size: number of characters, the stop mark included.
        context: window length, in time steps; a power of two, because every stage halves it.
        embedding: channels of each character.
        hidden: channels of every stage.
        activation: factory for the activation of every stage.
        residual: every stage but the first adds its right-hand neighbour's input (see `Stage`).

    Returns:
        A model from (B, context) ids to (B, vocabulary_size) logits; its `.context` is `context`. 76,579 parameters
        for 27 characters.

    Raises:
        ValueError: a size below 1, or a context that is not a power of two of at least 2.

    Source: Karpathy's makemore part 5, where it ends.
    """
    _check_sizes(vocabulary_size=vocabulary_size, context=context, embedding=embedding, hidden=hidden)
    if context < 2 or context & (context - 1):
        raise ValueError(
            f"staged_model halves its context at every stage; got context={context}. Choose 2, 4, 8, 16 ..."
        )
    stages = context.bit_length() - 1
    widths = [embedding] + [hidden] * stages
    layers = OrderedDict(embedding=nn.Embedding(vocabulary_size, embedding))
    for number in range(stages):
        layers[f"stage{number + 1}"] = Stage(
            widths[number], widths[number + 1], activation=activation, residual=residual and number > 0
        )
    return add_head(layers, hidden, vocabulary_size, context)


def trained_model() -> tuple[nn.Sequential, Vocabulary]:
    """The staged net with GELU and residual as `data/make_weights.py` trained it (recipe LONG), and its vocabulary.

    Returns:
        model in eval mode, vocabulary.
    """
    return load_model(TRAINED)


def add_head(layers: OrderedDict[str, nn.Module], hidden: int, vocabulary_size: int, context: int) -> nn.Sequential:
    """Add the last layer, unconfident: small logits make the first loss about ln(vocabulary_size)."""
    head = nn.Linear(hidden, vocabulary_size)
    with torch.no_grad():
        head.weight *= 0.1
        head.bias.zero_()
    model = nn.Sequential(layers | OrderedDict(head=head))
    model.context = context
    return model


def _check_sizes(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} must be at least 1; got {size}.")
