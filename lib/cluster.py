"""Workers on other machines: a Dask scheduler, reached by its address, as a `concurrent.futures.Executor`."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import contextmanager

import torch

_turn = threading.Lock()


class WorkersLost(RuntimeError):
    """The scheduler or its workers are gone, and with them the work that was not done yet."""


class WorkerDied(WorkersLost):
    """One piece of work ended every worker that it was given to; other work can go on."""


@contextmanager
def connect(address: str) -> Iterator[Executor]:
    """An executor whose work is done by the workers of a Dask scheduler, for the body of a `with`.

    A worker that dies costs the time of what it was doing: the scheduler gives that to another one.

    Args:
        address: of the scheduler, as `dask scheduler` prints it, such as "tcp://10.0.0.1:8786".

    Raises:
        WorkersLost: Dask is not installed, or no scheduler answers at this address.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise WorkersLost("A scheduler's address needs Dask: pip install -e '.[scale]'.") from error
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError) as error:  # ValueError: not an address
        message = f"There is no Dask scheduler at {address}. Start one with `dask scheduler`, which prints its address."
        raise WorkersLost(message) from error
    with client:
        if not client.nthreads():
            print(f"{address} has no worker yet. Start some: dask worker {address} --nthreads 1", flush=True)
        yield client.get_executor(pure=False)


def result(future: Future) -> object:
    """The result of a future, whoever made it.

    Raises:
        WorkersLost: it was cancelled, or a pool of processes broke, or the scheduler is gone.
        WorkerDied: Dask gave it to one worker after the other, and each of them died.
        Exception: what the work itself raised.
    """
    try:
        return future.result()
    except (CancelledError, BrokenExecutor) as error:
        raise WorkersLost("The workers are gone, and with them the scheduler, if there was one.") from error
    except Exception as error:
        if type(error).__module__.startswith("distributed."):  # such as KilledWorker; Dask need not be installed here
            raise WorkerDied(f"The scheduler gave up: {error}") from error
        raise


def alone(work: Callable, *arguments: object) -> object:
    """Call `work` on one thread of torch, while nothing else that is called through here runs in this process.

    torch's generator belongs to the process: two trainings in threads of one worker would disturb each other's numbers.
    """
    with _turn:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return work(*arguments)
        finally:
            torch.set_num_threads(before)
