"""Training in several processes under `torchrun`: each takes its share of every batch, and their gradients are averaged.

A script calls `join` before `train`; `data/train_ddp.py` does. Without it, these functions leave everything as it is.
"""

import os

import torch
import torch.distributed as dist
from jaxtyping import Int, Shaped
from torch import Tensor, nn
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from lib.layers import BatchNorm1d


def join() -> None:
    """Join the process group of torchrun: gloo, or nccl where there are GPUs.

    Each restart gets its own part of torchrun's store: in torch 2.13, `init_process_group` finds there the addresses of
    the processes that died, and fails to connect to them.
    """
    store, rank, world_size = next(rendezvous("env://"))
    store = dist.PrefixStore(f"restart {os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", store)
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=world_size)


def processes() -> int:
    """How many processes train together; 1 without a process group."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_first() -> bool:
    """Whether this process is the one that writes checkpoints and shows the bar."""
    return not dist.is_initialized() or dist.get_rank() == 0


class Parallel(DistributedDataParallel):
    """DistributedDataParallel that has the net's own attributes, too."""

    def __getattr__(self, name: str) -> object:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("module"), name)


def parallel(model: nn.Module, targets: Tensor, batch_size: int, weighted: bool = False) -> nn.Module:
    """The model as all processes train it: after `backward`, each has the mean of their gradients.

    Args:
        model: in every process with the same weights; those of the first are taken.
        targets: of the examples.
        batch_size: rows per batch, of all processes together.
        weighted: whether rows count differently.

    Raises:
        ValueError: the mean of the processes' gradients would not be the gradient of the batch.
    """
    if processes() == 1:
        return model
    unequal = weighted or (targets.ndim == 2 and not targets.is_floating_point())
    if unequal or batch_size % processes():
        raise ValueError(
            f"{processes()} processes need equal shares of every batch: windows or a stream, a recipe without distinct "
            f"contexts, and a batch size that {processes()} divides; got {'unequal rows' if unequal else batch_size}."
        )
    return Parallel(model)


def share(rows: Int[Tensor, "B"]) -> Int[Tensor, "B_share"]:
    """The rows of a batch that are this process's."""
    return rows[dist.get_rank() :: dist.get_world_size()] if dist.is_initialized() else rows


def mean(value: float) -> float:
    """The mean over the processes."""
    if processes() == 1:
        return value
    total = torch.tensor(value, dtype=torch.float64)
    dist.all_reduce(total)
    return total.item() / processes()


class SumOverProcesses(torch.autograd.Function):
    """The sum of the processes' tensors, in each of them; the gradient of each tensor is the sum of theirs."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        """The sum, as a new tensor."""
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        """The same sum, of the gradients."""
        return SumOverProcesses.forward(ctx, gradient)


class MergedBatchNorm1d(BatchNorm1d):
    """BatchNorm1d whose statistics in training are those of all processes' shares together, which must be equal.

    What `torch.nn.SyncBatchNorm` does on GPUs; that one refuses tensors of a CPU.
    """

    def forward(self, x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
        """Normalise (B, C) or (B, T, C); errors as those of BatchNorm1d."""
        if not self.training or processes() == 1:
            return super().forward(x)
        self._check(x)
        self.num_batches_tracked += 1
        merged = x.reshape(-1, self.num_features)  # (B*T, C)
        n = len(merged) * processes()
        xmean = SumOverProcesses.apply(merged.sum(0)) / n  # (C,); gradients flow to all processes
        difference = merged - xmean
        xvar = SumOverProcesses.apply(difference.square().sum(0)) / n
        with torch.no_grad():
            self.running_mean.lerp_(xmean, self.momentum)
            self.running_var.lerp_(xvar * n / (n - 1), self.momentum)
        xhat = difference / torch.sqrt(xvar + self.eps)
        self.out = (self.weight * xhat + self.bias).view(x.shape)
        return self.out


def merge_batch_norm(model: nn.Module) -> nn.Module:
    """The model, with every `BatchNorm1d` of this course replaced by a `MergedBatchNorm1d` of the same weights."""
    for name, child in model.named_children():
        if type(child) is BatchNorm1d:
            merged = MergedBatchNorm1d(child.num_features, child.eps, child.momentum).train(child.training)
            merged.load_state_dict(child.state_dict(), assign=True)
            setattr(model, name, merged)
        else:
            merge_batch_norm(child)
    return model
