"""Train the staged net of lesson 03 in several processes, each on its share of every batch.

    torchrun --standalone --nproc-per-node 2 --max-restarts 3 data/train_ddp.py --checkpoint run.pt

On several machines, torchrun's --nnodes and --rdzv-endpoint instead of --standalone. With a checkpoint, torchrun
restarts all processes when one dies, and they continue from its last step. Lesson 12 explains what is merged and why.
"""

import argparse

import torch
import torch.distributed as dist

from lib import distributed
from lib.data import Vocabulary, load_names, make_windows, split_names
from lib.models import staged_model
from lib.training import FAST, train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", help="a file with one name per line; default: data/names.txt")
    parser.add_argument("--checkpoint", help="a file that all processes can read")
    parser.add_argument("--checkpoint-every", type=int, default=100, metavar="STEPS")
    parser.add_argument("--unmerged", action="store_true", help="each process with BatchNorm statistics of its own")
    arguments = parser.parse_args()
    distributed.join()
    names = load_names(arguments.names)
    vocabulary = Vocabulary(names)
    windows, val, _ = (make_windows(part, vocabulary) for part in split_names(names))
    torch.manual_seed(0)
    net = staged_model(len(vocabulary))
    if not arguments.unmerged:
        distributed.merge_batch_norm(net)
    device = f"cuda:{dist.get_node_local_rank()}" if torch.cuda.is_available() else None
    saved = {"checkpoint": arguments.checkpoint, "checkpoint_every": arguments.checkpoint_every}
    history = train(net, windows, val, FAST, device=device, vocabulary=vocabulary, **saved)
    if distributed.is_first():
        rate = history.steps / history.seconds
        print(
            f"{dist.get_world_size()} processes: {history.steps:,} steps, {rate:.1f} per second, val {history.val[-1][1]:.3f}"
        )
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
