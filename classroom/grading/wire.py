"""Plain data as lines of JSON, between the grader and the sandbox. Lines from the sandbox are assumed to be hostile."""

import base64
import json
import math
import re

import torch
from torch import Tensor

LONGEST = 8_000_000  # bytes of a line
KEYS = 1_000  # of a dictionary
STEERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64,
        torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128,
    )
}  # fmt: skip


class ProtocolError(Exception):
    """A line that `encode` did not write."""


def encode(value: object) -> object:
    """The JSON value of tensors, numbers, texts, lists, tuples and dictionaries; of other objects, the type as text."""
    if value is None or isinstance(value, (bool, float, str)):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 1000 else "<a very large integer>"
    if value is ...:
        return {"...": []}
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if isinstance(value, Tensor) and str(value.dtype).removeprefix("torch.") in DTYPES:
        if value.numel() * value.element_size() > LONGEST // 2:
            return f"<a tensor of shape {tuple(value.shape)}, too large to return>"
        raw = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        text = base64.b64encode(bytes(raw.tolist())).decode()
        return {"tensor": [str(value.dtype).removeprefix("torch."), list(value.shape), text]}
    return f"<{type(value).__name__}>"


def decode(value: object) -> object:
    """What `encode` was given.

    Raises:
        ProtocolError: `encode` did not make it.
    """
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [decode(item) for item in value]
    if isinstance(value, dict) and len(value) == 1:
        ((kind, parts),) = value.items()
        if isinstance(parts, list):
            if kind == "...":
                return ...
            if kind == "tuple":
                return tuple(decode(item) for item in parts)
            # Few keys, with hashes that cannot collide on purpose: collisions cost quadratic time.
            pairs = len(parts) <= KEYS and all(isinstance(pair, list) and len(pair) == 2 for pair in parts)
            if kind == "dict" and pairs:
                return {_key(decode(key)): decode(item) for key, item in parts}
            if kind == "tensor" and len(parts) == 3:
                return _tensor(*parts)
    raise ProtocolError(f"not plain data: {str(value)[:80]}")


def clean(text: str) -> str:
    """The text without characters that UTF-8 cannot encode, so that any file can hold it."""
    return text.encode("utf-8", "replace").decode("utf-8")


def plain(text: str) -> str:
    """The text without what steers a terminal or the direction of writing."""
    return STEERS.sub("\ufffd", clean(text))


def _key(key: object) -> object:
    whole = isinstance(key, int) and abs(key) < 1 << 60  # its own hash
    if whole or isinstance(key, (str, tuple)) or key is None:
        try:
            hash(key)
            return key
        except TypeError:
            pass
    raise ProtocolError("a dictionary with keys of another kind")


def _tensor(kind: object, shape: object, text: object) -> Tensor:
    if not isinstance(kind, str) or kind not in DTYPES or not isinstance(text, str):
        raise ProtocolError("a tensor of unknown dtype")
    sized = isinstance(shape, list) and len(shape) <= 16 and all(type(n) is int and 0 <= n < 1 << 31 for n in shape)
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise ProtocolError("a tensor that is not base64") from None
    dtype = DTYPES[kind]
    # Zeros are left out of the product: an empty tensor can have billions of empty rows.
    if not sized or math.prod(n or 1 for n in shape) > LONGEST or math.prod(shape) * dtype.itemsize != len(raw):
        raise ProtocolError("a tensor whose shape does not match its data")
    if not raw:
        return torch.empty(shape, dtype=dtype)
    numbers = torch.frombuffer(bytearray(raw), dtype=torch.uint8)
    return (numbers != 0 if dtype is torch.bool else numbers.view(dtype)).reshape(shape)


def write(message: dict) -> bytes:
    """A message as one line."""
    return json.dumps(message).encode() + b"\n"


def read(line: bytes) -> dict:
    """The message of one line.

    Raises:
        ProtocolError: it is not a message.
    """
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise ProtocolError("a line that is not JSON") from None
    if not isinstance(message, dict):
        raise ProtocolError("a line that is not a message")
    return message
