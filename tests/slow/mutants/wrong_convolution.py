"""Mistakes in lib.wavenet.convolution: target, mistake, the text to replace and its replacement."""

SLICES = "return torch.cat([x[:, start : start + T_out] for start in starts], dim=2)"
BEFORE = "before = x[:, :1].expand(-1, layer.reach, -1)\n"

WRONG = {
    "CausalConv1d": {
        "padding='same'": (
            "    T_out = x.shape[1] - layer.reach\n    if",
            "    x = torch.nn.functional.pad(x, (0, 0, layer.reach // 2, layer.reach - layer.reach // 2))\n"
            "    T_out = x.shape[1] - layer.reach\n    if",
        ),
        "zeros before each layer": (
            "    T_out = x.shape[1] - layer.reach\n    if",
            "    x = torch.nn.functional.pad(x, (0, 0, layer.reach, 0))\n    T_out = x.shape[1] - layer.reach\n    if",
        ),
        "shifted by one into the past": (SLICES, SLICES.replace("x[:, start", "x.roll(1, 1)[:, start")),
        "shifted by one into the future": (SLICES, SLICES.replace("x[:, start", "x.roll(-1, 1)[:, start")),
        "latest first": ("for start in starts]", "for start in reversed(starts)]"),
        "dilation off by one": (
            "self.kernel_size, self.dilation = kernel_size, dilation\n",
            "self.kernel_size, self.dilation = kernel_size, dilation + 1\n",
        ),
        "dilation ignored": ("range(0, layer.reach + 1, layer.dilation)", "range(0, layer.kernel_size)"),
        "a stride of the kernel": (
            SLICES,
            "return torch.cat([x[:, start : start + T_out : layer.kernel_size] for start in starts], dim=2)",
        ),
        "channels of the taps interleaved": (
            SLICES,
            "return torch.stack([x[:, start : start + T_out] for start in starts], dim=3).flatten(2)",
        ),
        "one output too few": ("T_out = x.shape[1] - layer.reach\n", "T_out = x.shape[1] - layer.reach - 1\n"),
        "bias left out": ("F.linear(seen, self.weight, self.bias)", "F.linear(seen, self.weight)"),
        "bias always": (
            "nn.Linear(kernel_size * in_channels, out_channels, bias)",
            "nn.Linear(kernel_size * in_channels, out_channels)",
        ),
        "initialised as if it had one tap": (
            "self.weight, self.bias = linear.weight, linear.bias",
            "self.weight, self.bias = nn.Parameter(linear.weight.data * kernel_size), linear.bias",
        ),
        "output not stored": (
            "        self.out = F.linear(seen, self.weight, self.bias)\n        return self.out",
            "        return F.linear(seen, self.weight, self.bias)",
        ),
        "accepts a kernel of 0": (
            '(sizes | {"kernel_size": kernel_size, "dilation": dilation})',
            '(sizes | {"dilation": dilation})',
        ),
        "accepts a dilation of 0": (
            '(sizes | {"kernel_size": kernel_size, "dilation": dilation})',
            '(sizes | {"kernel_size": kernel_size})',
        ),
        "accepts too short input": ("    if T_out < 1:\n", "    if T_out < 0:\n"),
        "accepts torch's layout": ("if x.ndim != 3 or x.shape[2] != self.in_channels:", "if x.ndim != 3:"),
        "accepts 2-D input": ("if x.ndim != 3 or x.shape[2] !=", "if x.ndim == 3 and x.shape[2] !="),
    },
    "receptive_field": {
        "one too few": ("return 1 + (kernel_size - 1) * sum(dilations)", "return (kernel_size - 1) * sum(dilations)"),
        "kernel instead of reach": ("return 1 + (kernel_size - 1) * sum", "return 1 + kernel_size * sum"),
        "the largest dilation only": ("sum(dilations)\n", "max(dilations, default=0)\n"),
        "accepts a dilation of 0": (
            "if kernel_size < 1 or any(dilation < 1 for",
            "if kernel_size < 1 or any(dilation < 0 for",
        ),
        "accepts a kernel of 0": ("if kernel_size < 1 or any(", "if kernel_size < 0 or any("),
        "of a net, one too few": ("return 1 + sum(conv.reach", "return sum(conv.reach"),
        "of a net, by dilations": ("sum(conv.reach for", "sum(conv.dilation for"),
    },
    "repeating_taps": {
        "zeros instead": (BEFORE, BEFORE.replace("expand(-1, layer.reach, -1)", "expand(-1, layer.reach, -1) * 0")),
        "the last time step instead": (BEFORE, BEFORE.replace("x[:, :1]", "x[:, -1:]")),
        "after instead of before": ("torch.cat([before, x], dim=1)", "torch.cat([x, before], dim=1)"),
        "a kernel's length only": (BEFORE, BEFORE.replace("layer.reach", "layer.kernel_size - 1")),
    },
}
