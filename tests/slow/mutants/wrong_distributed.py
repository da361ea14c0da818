"""Mistakes in lib/distributed.py: target, then mistake, then the old text and the new text."""

WRONG = {
    "parallel": {
        "shares that are not equal": ("if unequal or batch_size % processes():", "if unequal:"),
        "rows that count differently": ("if unequal or batch_size % processes():", "if batch_size % processes():"),
    },
    "MergedBatchNorm1d": {
        "mean of this process only": ("SumOverProcesses.apply(merged.sum(0)) / n", "merged.mean(0)"),
        "variance of this process only": (
            "SumOverProcesses.apply(difference.square().sum(0)) / n",
            "difference.square().mean(0) + 0 * merged[0]",
        ),
        "biased running variance": ("xvar * n / (n - 1)", "xvar"),
        "running mean replaced": ("self.running_mean.lerp_(xmean, self.momentum)", "self.running_mean.copy_(xmean)"),
        "shapes not checked": ("        self._check(x)\n", ""),
    },
    "merge_batch_norm": {
        "weights start anew": ("            merged.load_state_dict(child.state_dict(), assign=True)\n", ""),
        "only the outermost modules": ("            merge_batch_norm(child)\n", "            pass\n"),
    },
}
