"""Mistakes in lib/wavenet.py: target, then mistake, then the text that it replaces and the text that it puts there."""

GATE = "z = torch.tanh(filter) * torch.sigmoid(gate)"
CONDITION = "a = a + self.condition(condition)[:, None]"
OUT = "self.out = z if self.residual is None else seen[..., -x.shape[2] :] + self.residual(z)"
SKIP = "x = sum(skip(z[:, -T_out:]) for skip, z in zip(self.skips, gates, strict=True))"
NORM = "a = self.norm(a)"

WRONG = {
    "GatedLayer": {
        "tanh twice": (GATE, "z = torch.tanh(filter) * torch.tanh(gate)"),
        "sigmoid twice": (GATE, "z = torch.sigmoid(filter) * torch.sigmoid(gate)"),
        "gate and filter exchanged": (GATE, "z = torch.tanh(gate) * torch.sigmoid(filter)"),
        "gate left out": (GATE, "z = torch.tanh(filter)"),
        "gate added": (GATE, "z = torch.tanh(filter) + torch.sigmoid(gate)"),
        "no tanh without gate": ("z = torch.tanh(a)", "z = a"),
        "condition ignored": (CONDITION, "a = a + 0 * self.condition(condition)[:, None]"),
        "condition of the first sequence for all": (CONDITION, "a = a + self.condition(condition[:1])[:, None]"),
        "condition for the filter only": (
            CONDITION,
            "a = torch.cat([a[..., : x.shape[2]] + self.condition(condition)[:, None, : x.shape[2]], a[..., x.shape[2] :]], 2)",
        ),
        "condition at the last position only": (
            CONDITION,
            "a = torch.cat([a[:, :-1], a[:, -1:] + self.condition(condition)[:, None]], dim=1)",
        ),
        "residual left out": (OUT, "self.out = z if self.residual is None else self.residual(z)"),
        "residual from the earliest tap": (OUT, OUT.replace("seen[..., -x.shape[2] :]", "seen[..., : x.shape[2]]")),
        "residual without its 1x1": (OUT, OUT.replace("self.residual(z)", "z + 0 * self.residual(z)")),
        "skip reads what the residual gives": ("return self.out, z", "return self.out, self.out"),
        "dilation off by one": (
            "CausalConv1d(channels, width, kernel_size, dilation)",
            "CausalConv1d(channels, width, kernel_size, dilation + 1)",
        ),
        "all dilations 1": (
            "CausalConv1d(channels, width, kernel_size, dilation)",
            "CausalConv1d(channels, width, kernel_size)",
        ),
        "kernel ignored": (
            "CausalConv1d(channels, width, kernel_size, dilation)",
            "CausalConv1d(channels, width, 2, dilation)",
        ),
        "norm over the time steps": (NORM, "a = self.norm(a - a.mean(1, keepdim=True))"),
        "starts as torch's layers do": (
            '        nn.init.kaiming_uniform_(self.conv.weight, nonlinearity="tanh")',
            "        pass",
        ),
        "norm left out": (NORM, "pass"),
    },
    "WaveNet": {
        "first convolution left out of the field": (
            "return receptive_field(self)\n\n    @property\n    def context",
            "return receptive_field(self.layers)\n\n    @property\n    def context",
        ),
        "first convolution not causal": (
            "x = self.first.combine(taps(self.first, x))",
            "x = self.first.combine(taps(self.first, x.flip(1))).flip(1)",
        ),
        "skip left out": (SKIP, "x = sum(0 * skip(z[:, -T_out:]) for skip, z in zip(self.skips, gates, strict=True))"),
        "skip of the last layer only": (SKIP, "x = self.skips[-1](gates[-1])"),
        "skips of the first positions": (SKIP, SKIP.replace("z[:, -T_out:]", "z[:, :T_out]")),
        "skips without their 1x1": (
            SKIP,
            "x = sum(nn.functional.pad(z[:, -T_out:], (0, skip.out_features - z.shape[2])) + 0 * skip(z[:, -T_out:]) for skip, z in zip(self.skips, gates, strict=True))",
        ),
        "skips averaged": (SKIP, SKIP + " / len(gates)"),
        "one skip layer for all": (SKIP, "x = sum(self.skips[0](z[:, -T_out:]) for z in gates)"),
        "head without its first ReLU": (
            "(nn.ReLU(), nn.Linear(head, head), nn.ReLU())",
            "(nn.Identity(), nn.Linear(head, head), nn.ReLU())",
        ),
        "head without its second ReLU": (
            "(nn.ReLU(), nn.Linear(head, head), nn.ReLU())",
            "(nn.ReLU(), nn.Linear(head, head), nn.Identity())",
        ),
        "one block whatever is asked": ("dilations = tuple(dilations) * blocks", "dilations = tuple(dilations)"),
        "dilations the other way round": (
            "dilations = tuple(dilations) * blocks",
            "dilations = (tuple(dilations) * blocks)[::-1]",
        ),
        "a first layer that is sure of itself": ("            last.weight *= 0.1\n", "            last.weight *= 10\n"),
        "a residual layer that nothing reads": (
            "is_used = residual and not (skip and number == len(dilations))",
            "is_used = residual",
        ),
        "switch of the gate without effect": ("conditions, gated, is_used, norm)", "conditions, True, is_used, norm)"),
        "switch of the skip path without effect": ("for _ in dilations) if skip else None", "for _ in dilations)"),
        "switch of the head without effect": ("nn.ReLU()) if deep_head else ()", "nn.ReLU())"),
        "norm ignored": ("conditions, gated, is_used, norm)", "conditions, gated, is_used, None)"),
        "a sequence too short is taken": (
            "if taps is dense_taps and ids.shape[1] < self.receptive_field:",
            "if False:",
        ),
        "a missing condition is taken": (
            "if (condition is None) != (self.layers[0].condition is None):",
            "if condition is not None and self.layers[0].condition is None:",
        ),
        "a condition that is not wanted is taken": (
            "if (condition is None) != (self.layers[0].condition is None):",
            "if condition is None and self.layers[0].condition is not None:",
        ),
        "takes no dilations": (', "number of dilations": len(dilations)}', "}"),
        "takes a dilation of 0": ('{f"dilation {number}": dilation for', '{f"dilation {number}": dilation + 1 for'),
        "takes a size of 0": ("and size < least:", "and size < 0:"),
    },
}
