"""What the records share: soft targets, optimizers, schedules, a start from counts, and learning from teachers."""

import math

import torch
from torch import Tensor, nn

from lib.data import Vocabulary, make_windows
from lib.models import TRAINED_NET, staged_model
from lib.ngrams import leave_one_out
from lib.sampling import sample_names
from lib.training import Recipe, train
from lib.tree import Deal, Examples, fit, make_examples, tree_logits


def net(vocabulary_size: int, seed: int, hidden: int = 128) -> nn.Sequential:
    """The staged net with GELU and residual; 76,579 parameters for 27 characters."""
    torch.manual_seed(seed)
    return staged_model(vocabulary_size, hidden=hidden, **TRAINED_NET)


def on_windows(names: list[str], seed: int, recipe: Recipe) -> nn.Sequential:
    """The net that `lib.training.train` makes with one of the lessons' recipes."""
    vocabulary = Vocabulary(names)
    model = net(len(vocabulary), seed)
    train(model, make_windows(names, vocabulary), recipe=recipe, seed=seed, progress=False)
    return model


def cosine(done: float, warmup: float = 0.1) -> float:
    """Up along a line, down along half a cosine."""
    return done / warmup if done < warmup else (1 + math.cos(math.pi * (done - warmup) / (1 - warmup))) / 2


def linear(done: float, warmup: float = 0.05) -> float:
    """Up along a line, down along another."""
    return done / warmup if done < warmup else (1 - done) / (1 - warmup)


def adamw(model: nn.Module, lr: float, weight_decay: float, without: tuple[Tensor, ...] = ()) -> torch.optim.AdamW:
    """Of all parameters but some; the weight decay is that of matrices."""
    rest = [p for p in model.parameters() if all(p is not other for other in without)]
    matrices, vectors = ([p for p in rest if (p.ndim >= 2) == matrix] for matrix in (True, False))
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99), fused=True)


def with_counts(windows: tuple[Tensor, Tensor], vocabulary_size: int, share: float, context: int = 5) -> Examples:
    """The distinct contexts of windows; a share of the target is what the counts of all other windows say."""
    examples, which = make_examples(*windows, vocabulary_size)
    probs, row = leave_one_out(windows, vocabulary_size, context)
    counted = torch.zeros_like(examples.targets).index_add_(0, which, probs[row]) / examples.weight[:, None]
    return examples._replace(targets=examples.targets.lerp(counted, share))


@torch.no_grad()
def start_from_counts(model: nn.Sequential, windows: tuple[Tensor, Tensor], vocabulary_size: int) -> None:
    """Embed characters by what comes before and after them; the head's bias is the logarithm of each one's share."""
    X, Y = windows
    V, E = vocabulary_size, model.embedding.embedding_dim
    pairs = torch.bincount(X[:, -1] * V + Y, minlength=V * V).view(V, V).double() + 0.5
    after, before = ((counts / counts.sum(1, keepdim=True)).log() for counts in (pairs, pairs.T))
    U, S, _ = torch.linalg.svd(torch.cat([after - after.mean(0), before - before.mean(0)], 1))
    vectors = U[:, :E] * S[:E]
    model.embedding.weight[:, : vectors.shape[1]] = (vectors / vectors.std()).float()
    model.head.bias.copy_((pairs.sum(0) / pairs.sum()).log())


def trained(seed: int, examples: Examples, steps: int, weight_decay: float, hidden: int = 128) -> nn.Sequential:
    """A net trained by AdamW on batches of 2,048 contexts."""
    model = net(examples.targets.shape[1], seed, hidden)
    fit(model, examples, Deal(examples.weight, 2_048, seed), steps, [adamw(model, 0.024, weight_decay)], cosine)
    return model


def teach(
    teachers: list[nn.Sequential],
    windows: tuple[Tensor, Tensor],
    vocabulary: Vocabulary,
    seed: int,
    names: int = 60_000,
) -> Examples:
    """What a student learns: the teachers' mean, on the windows and on those of as many names that the teachers sampled.

    On a real window half of the target is the character that came. Sampled windows count as much as real ones in all.
    """
    V, (X, Y) = len(vocabulary), windows
    random = torch.Generator().manual_seed(seed)
    sampled = [
        name for net in teachers for name in sample_names(net, vocabulary, names // len(teachers), generator=random)
    ]
    sampled_X, sampled_Y = make_windows(sampled, vocabulary)
    weight = torch.cat([torch.ones(len(Y)), torch.full((len(sampled_Y),), len(Y) / len(sampled_Y))])
    examples, which = make_examples(torch.cat([X, sampled_X]), torch.cat([Y, sampled_Y]), V, weight)
    with torch.no_grad():
        mean = sum(tree_logits(net, examples.levels).softmax(1) for net in teachers) / len(teachers)
    came = 0.5 * torch.bincount(which[: len(Y)] * V + Y, minlength=mean.numel()).view_as(mean)
    taught = examples.weight[:, None] - came.sum(1, keepdim=True)
    return examples._replace(targets=(came + taught * mean) / examples.weight[:, None])


def student(names: list[str], seed: int, teachers: int, steps: int) -> nn.Sequential:
    """A net that learns from several of its own size, each trained on the names for 416 steps."""
    vocabulary = Vocabulary(names)
    windows = make_windows(names, vocabulary)
    examples = with_counts(windows, len(vocabulary), share=0.3)
    nets = [trained(100 * seed + number, examples, 416, weight_decay=1.0) for number in range(1, teachers + 1)]
    return trained(seed, teach(nets, windows, vocabulary, seed), steps, weight_decay=0.1)
