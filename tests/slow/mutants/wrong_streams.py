"""Mistakes in lib/streams.py: target, then mistake, then the old text and the new text."""

WRONG = {
    "Stream": {
        "letters of the name before": (
            "before.ne(0).flip(1).cumprod(1).flip(1)",
            "torch.ones_like(before)",
        ),
        "only the stop mark itself hides": ("before.ne(0).flip(1).cumprod(1).flip(1)", "before.ne(0)"),
        "hides up to the first stop mark": (".flip(1).cumprod(1).flip(1)", ".cumprod(1)"),
        "a time step late": ("torch.arange(-self.context, 0)", "torch.arange(1 - self.context, 1)"),
        "wraps round at the beginning": ("before.masked_fill((places < 0).to(before.device), 0)", "before"),
        "targets of a byte": ("same_name, self.ids[rows].long()", "same_name, self.ids[rows]"),
        "mean where the sum is asked for": ("model(X), Y, reduction=reduction)", "model(X), Y)"),
        "any last character": ("if len(self.ids) == 0 or int(self.ids[-1]) != 0:", "if len(self.ids) == 0:"),
        "another context": ("if context != self.context:", "if False:"),
        "more characters than the net has": ("(largest := int(self.ids.max())) >= size", "(largest := 0) >= size"),
    },
    "files": {
        "another vocabulary": (
            "if int(stream.ids.min()) < 0 or int(stream.ids.max()) >= len(vocabulary) or int(stream.ids[-1]) != 0:",
            "if False:",
        ),
        "a context of 0": ("if context < 1 or rest or not count:", "if rest or not count:"),
        "always eight bytes": (
            "torch.uint8 if size <= 2**8 else torch.int16 if size <= 2**15 else torch.int32",
            "torch.int64",
        ),
        "a byte for 257 characters": ("if size <= 2**8 else", "if size <= 2**8 + 1 else"),
        "no names": ("    if not found:\n", "    if False:\n"),
    },
}
