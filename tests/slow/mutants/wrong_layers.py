"""Mistakes in lib.layers: target, mistake, the text to replace and its replacement."""

FLATTEN = "return x.reshape(B, T // n, n * C)"

WRONG = {
    "FlattenConsecutive": {
        "strided pairs": (FLATTEN, "return x.reshape(B, n, T // n, C).transpose(1, 2).reshape(B, T // n, n * C)"),
        "right-hand neighbour first": (FLATTEN, "return torch.cat([x[:, i::n] for i in reversed(range(n))], dim=2)"),
        "channels interleaved": (
            FLATTEN,
            "return x.reshape(B, T // n, n, C).transpose(2, 3).reshape(B, T // n, n * C)",
        ),
        "n groups instead of groups of n": (FLATTEN, "return x.reshape(B, n, T // n * C)"),
        "batch and time mixed": (FLATTEN, "return x.transpose(0, 1).reshape(B, T // n, n * C)"),
        "view instead of reshape": (FLATTEN, "return x.view(B, T // n, n * C)"),
        "flattens all at once": ("x = flatten_consecutive(x, self.n)", "x = x.flatten(1)[:, None]"),
        "squeeze() without a dimension": ("x = x.squeeze(1)", "x = x.squeeze()"),
        "squeezes the batch": ("x = x.squeeze(1)", "x = x.squeeze(0)"),
        "keeps the time dimension": ("        if x.shape[1] == 1:\n            x = x.squeeze(1)\n", ""),
        "drops the time dimension of longer ones too": (
            "        if x.shape[1] == 1:\n            x = x.squeeze(1)",
            "        x = x.flatten(0, 1)",
        ),
        "accepts an n that does not divide T": ("if T == 0 or T % self.n:", "if T == 0:"),
        "accepts 2-D input": ("        if x.ndim != 3:\n", "        if x.ndim > 3:\n"),
        "accepts n of 0": ("        if n < 1:\n", "        if n < 0:\n"),
        "output not stored": ("        self.out = x\n        return self.out", "        return x"),
    },
    "batch_norm": {
        "dim 0 on 3-D": ("dim = 0 if x.ndim == 2 else (0, 1)", "dim = 0"),
        "channels where torch has them": ("else (0, 1)", "else (0, 2)"),
        "each example separately": ("else (0, 1)", "else 1"),
        "biased stored variance": ("x.var(dim, unbiased=True)", "x.var(dim, unbiased=False)"),
        "unbiased normalising variance": ("keepdim=True, unbiased=False)", "keepdim=True)"),
        "eval using batch statistics": (
            "xmean, xvar = running_mean, running_var",
            "xmean, xvar = x.mean(0), x.var(0, unbiased=False)",
        ),
        "training uses running statistics": (
            "xhat = (x - xmean) / torch.sqrt(xvar + eps)",
            "xhat = (x - running_mean) / torch.sqrt(running_var + eps)",
        ),
        "running mean never updated": ("running_mean.lerp_(", "running_mean.lerp("),
        "running variance never updated": ("running_var.lerp_(", "running_var.lerp("),
        "momentum reversed": (
            "running_mean.lerp_(xmean.flatten(), momentum)",
            "running_mean.lerp_(xmean.flatten(), 1 - momentum)",
        ),
        "running statistics updated in eval": (
            "xmean, xvar = running_mean, running_var",
            "xmean, xvar = running_mean.lerp_(x.reshape(-1, x.shape[-1]).mean(0), momentum), running_var",
        ),
        "eps outside the root": ("torch.sqrt(xvar + eps)", "(torch.sqrt(xvar) + eps)"),
        "eps as given is ignored": ("torch.sqrt(xvar + eps)", "torch.sqrt(xvar + 1e-5)"),
        "divides by the variance": ("torch.sqrt(xvar + eps)", "(xvar + eps)"),
        "shift before scale": ("weight * xhat + bias", "weight * (xhat + bias)"),
        "gradient stopped at the mean": ("x.mean(dim, keepdim=True)", "x.detach().mean(dim, keepdim=True)"),
        "gradient stopped at the variance": ("x.var(dim, keepdim=True,", "x.detach().var(dim, keepdim=True,"),
        "running statistics keep every batch's graph": ("with torch.no_grad():", "with torch.enable_grad():"),
    },
    "BatchNorm1d": {
        "each time step separately": (
            "        if self.training:\n            self.num",
            "        if x.ndim == 3:\n            return torch.stack([self(step) for step in x.unbind(1)], dim=1)\n"
            "        if self.training:\n            self.num",
        ),
        "channels where torch has them": (
            "merged = x.reshape(-1, self.num_features)  #",
            "merged = x.transpose(1, -1).reshape(-1, self.num_features)  #",
        ),
        "view instead of reshape": (
            "merged = x.reshape(-1, self.num_features)",
            "merged = x.view(-1, self.num_features)",
        ),
        "eval using batch statistics": ("self.bias, self.training, self.momentum", "self.bias, True, self.momentum"),
        "buffers never updated": (
            "merged, self.running_mean, self.running_var, self.weight",
            "merged, self.running_mean.clone(), self.running_var.clone(), self.weight",
        ),
        "momentum reversed": (
            "self.training, self.momentum, self.eps",
            "self.training, 1 - self.momentum, self.eps",
        ),
        "momentum as given is ignored": ("self.training, self.momentum, self.eps", "self.training, 0.1, self.eps"),
        "eps as given is ignored": ("self.training, self.momentum, self.eps", "self.training, self.momentum"),
        "running mean not in the state dict": (
            'self.register_buffer("running_mean", torch.zeros(num_features))',
            "self.running_mean = torch.zeros(num_features)",
        ),
        "running variance starts at 0": (
            '"running_var", torch.ones(num_features)',
            '"running_var", torch.zeros(num_features)',
        ),
        "weight starts at 0": ("nn.Parameter(torch.ones(num_features))", "nn.Parameter(torch.zeros(num_features))"),
        "counts examples instead of batches": ("self.num_batches_tracked += 1", "self.num_batches_tracked += len(x)"),
        "counts in eval too": (
            "        if self.training:\n            self.num_batches_tracked += 1",
            "        self.num_batches_tracked += 1",
        ),
        "no guard for one value": ("if self.training and values < 2:", "if self.training and values < 1:"),
        "guard counts examples only": ("values = x.shape[:-1].numel()", "values = len(x)"),
        "guard for one value in eval too": ("if self.training and values < 2:", "if values < 2:"),
        "channels checked in dim 1": ("if shape[-1] != C:", "if shape[1] != C:"),
        "accepts other numbers of dimensions": ("if x.ndim not in (2, 3):", "if x.ndim < 2:"),
        "accepts an eps of 0": ("if not eps > 0:", "if eps < 0:"),
        "accepts a momentum above 1": ("if not 0 <= momentum <= 1:", "if momentum < 0:"),
        "output not stored": (
            "        self.out = merged.view(x.shape)\n        return self.out",
            "        return merged.view(x.shape)",
        ),
    },
}
