"""Mistakes in lib.wavenet.net: target, mistake, the text to replace and its replacement."""

GATE = "z = torch.tanh(filter) * torch.sigmoid(gate)"
CONDITION = "a = a + self.condition(condition)[:, None]"
OUT = "self.out = z if self.residual is None else seen[..., -x.shape[2] :] + self.residual(z)"
SKIP = "x = sum(skip(z[:, -T_out:]) for skip, z in zip(self.skips, gates, strict=True))"
NORM = "a = self.norm(a)"

WRONG = {
    "GatedLayer": {
        "tanh twice": (GATE, "z = torch.tanh(filter) * torch.tanh(gate)"),
        "sigmoid twice": (GATE, "z = torch.sigmoid(filter) * torch.sigmoid(gate)"),
        "gate and filter swapped": (GATE, "z = torch.tanh(gate) * torch.sigmoid(filter)"),
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
        "skip reads the residual output": ("return self.out, z", "return self.out, self.out"),
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
        "initialised like a Linear": (
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
            "x = self.first.project(taps(self.first, x))",
            "x = self.first.project(taps(self.first, x.flip(1))).flip(1)",
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
        "always one block": ("dilations = tuple(dilations) * blocks", "dilations = tuple(dilations)"),
        "dilations reversed": (
            "dilations = tuple(dilations) * blocks",
            "dilations = (tuple(dilations) * blocks)[::-1]",
        ),
        "large weights of the last layer": ("            last.weight *= 0.1\n", "            last.weight *= 10\n"),
        "an unused residual layer": (
            "is_used = residual and not (skip and number == len(dilations))",
            "is_used = residual",
        ),
        "switch of the gate without effect": ("conditions, gated, is_used, norm)", "conditions, True, is_used, norm)"),
        "switch of the skip path without effect": ("for _ in dilations) if skip else None", "for _ in dilations)"),
        "switch of the head without effect": ("nn.ReLU()) if deep_head else ()", "nn.ReLU())"),
        "norm ignored": ("conditions, gated, is_used, norm)", "conditions, gated, is_used, None)"),
        "accepts too short a sequence": (
            "if taps is dense_taps and ids.shape[1] < self.receptive_field:",
            "if False:",
        ),
        "accepts a missing condition": ("if condition is None and self.layers[0].condition is not None:", "if False:"),
        "accepts an unexpected condition": (
            "if condition is not None and self.layers[0].condition is None:",
            "if False:",
        ),
        "accepts no dilations": ('"len(dilations)": len(dilations), ', ""),
        "accepts a dilation of 0": (', "min(dilations)": min(dilations, default=1)', ""),
        "accepts a size of 0": ("and size < least:", "and size < 0:"),
        "accepts conditions below 0": ('_check_sizes(0, {"conditions": conditions})', "pass"),
    },
}
