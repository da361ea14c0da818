"""Small nets and inputs that the tests of lib.wavenet share."""

import math

import torch
from torch import nn

from lib.data import Vocabulary, load_names
from lib.layers import BatchNorm1d, Stage
from lib.wavenet import WaveNet

NAMES = ["emma", "jo", "maximiliano", "a", "noor", "lea", "abcdefghijklmno"]
VOCABULARY = Vocabulary(load_names()[:500])
# dilations, blocks, kernel size
SHAPES = [
    ((1, 2, 4), 1, 2),
    ((3, 1), 1, 2),
    ((1, 1, 5), 1, 2),
    ((1, 2), 2, 2),
    ((1, 3), 1, 3),
    ((2, 1), 2, 3),
    ((1,), 1, 1),
    ((4,), 1, 2),
]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make_net(dilations=(1, 2, 4), blocks=1, kernel_size=2, vocabulary_size=27, **settings) -> WaveNet:
    """A small WaveNet with logits large enough that a wrong input changes them."""
    torch.manual_seed(0)
    net = WaveNet(vocabulary_size, settings.pop("channels", 6), dilations, blocks, kernel_size, **settings)
    with torch.no_grad():
        net.head[-1].weight *= 30
    return net


def some_ids(B: int, T: int, size: int = 27) -> torch.Tensor:
    return torch.randint(size, (B, T), generator=seeded(1))


def stages(*sizes: int, activation=nn.Tanh, residual=False, width=8) -> nn.Sequential:
    """A staged net with other stages than staged_model's, its norms changed by `used`."""
    torch.manual_seed(0)
    widths = [5] + [width] * len(sizes)
    layers = [Stage(a, b, n, activation, residual) for a, b, n in zip(widths, widths[1:], sizes, strict=False)]
    return used(nn.Sequential(nn.Embedding(27, 5), *layers, nn.Linear(width, 27)), math.prod(sizes))


def used(model: nn.Sequential, context: int) -> nn.Sequential:
    """The model after some batches and with random scale and shift of its norms, in eval mode."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, BatchNorm1d):
                module.weight.uniform_(0.5, 2)
                module.bias.normal_()
        for _ in range(5):
            model.train()(torch.randint(27, (64, context)))
    return model.eval()
