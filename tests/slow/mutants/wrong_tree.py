"""Mistakes in lib.tree, lib.muon and lib.ngrams.leave_one_out: target, mistake, the text to replace and its replacement."""

BACKWARD = "(dy - share[:, None] * torch.addcmul(dbeta, xhat, dgamma)) * (gamma * r)"
HALVES = "F.embedding(left, x @ W[:, :C].T) + F.embedding(right, x @ W[:, C:].T)"
LOSS = '(F.cross_entropy(logits, examples.targets[rows], reduction="none") @ weight / weight.sum()).backward()'
CARDS = "self.cards[:, torch.randperm(self.steps, generator=self.generator)]"

WRONG = {
    "make_examples": {
        "neighbours of other pairs": (
            "X[:, ::2] * size + X[:, 1::2]",
            "X[:, : X.shape[1] // 2] * size + X[:, X.shape[1] // 2 :]",
        ),
        "left and right swapped": ("spans // size, spans % size)", "spans % size, spans // size)"),
        "spans mixed up": ("(X[:, ::2] * size + X[:, 1::2])", "(X[:, ::2] * (size - 1) + X[:, 1::2])"),
        "windows count alike": (
            "* vocabulary_size + Y, weight, minlength=size",
            "* vocabulary_size + Y, None, minlength=size",
        ),
        "counts for shares": ("counts / total[:, None], total)", "counts, total)"),
        "every context counts once": (
            "counts / total[:, None], total)",
            "counts / total[:, None], torch.ones_like(total))",
        ),
        "any context is accepted": ("if N == 0 or T < 2 or T & (T - 1):", "if N == 0:"),
    },
    "select": {
        "other contexts": ("(half[rows] for half", "(half[rows.flip(0)] for half"),
        "nothing left out": ("if len(levels) == 1 or len(levels[-2][0]) <= len(rows):", "if True:"),
        "halves swapped": ("halves.split(len(rows)))", "halves.split(len(rows))[::-1])"),
        "spans of the level kept": ("(*select(levels[:-1], used), halves", "(*levels[:-1], halves"),
    },
    "tree_logits": {
        "halves of the product swapped": (
            HALVES,
            HALVES.replace("left", "l").replace("right", "left").replace("(l,", "(right,"),
        ),
        "left half only": (HALVES, "F.embedding(left, x @ W[:, :C].T)"),
        "first of the left halves for all": ("F.embedding(which, F.emb", "F.embedding(which * 0, F.emb"),
        "matrices of the halves swapped": ("x_right, W[:, C:].T)", "x_right, W[:, :C].T)"),
        "residual of the left neighbour": ("z + x_right if", "z + F.embedding(left, x) if"),
        "residual always": ("if stage.residual else z", "if z.shape[1] == x.shape[1] else z"),
        "no residual": ("x = z + x_right if stage.residual else z", "x = z"),
        "no activation": ("stage.activation(stage.norm(z) if", "(stage.norm(z) if"),
        "spans count alike": ("_shares(levels, weight) if", "_shares(levels, torch.ones_like(weight)) if"),
        "left halves counted only": ("(halves[0] + halves[1]) / 2", "halves[0]"),
        "shares of a level do not sum to 1": ("(halves[0] + halves[1]) / 2", "(halves[0] + halves[1])"),
        "variance of contexts, not of spans": (" * 2 ** (len(levels) - number)", ""),
        "biased running variance": ("var * (values / (values - 1))", "var"),
        "running statistics not updated": ("    norm.running_mean.lerp_(mean, momentum)\n", ""),
        "batches not counted": ("    norm.num_batches_tracked += 1\n", ""),
        "momentum ignored": ("norm.momentum if momentum is None else momentum", "norm.momentum"),
        "batch statistics in eval mode": (
            "_shares(levels, weight) if model.training else [None] * len(levels)",
            "_shares(levels, torch.ones_like(levels[-1][0], dtype=x.dtype))",
        ),
        "gradient ignores the mean": (
            BACKWARD,
            BACKWARD.replace("torch.addcmul(dbeta, xhat, dgamma)", "xhat * dgamma"),
        ),
        "gradient ignores the variance": (BACKWARD, BACKWARD.replace("torch.addcmul(dbeta, xhat, dgamma)", "dbeta")),
        "gradient without weights": (BACKWARD, BACKWARD.replace("share[:, None]", "1 / len(share)")),
        "gradient without gamma": (BACKWARD, BACKWARD.replace("(gamma * r)", "r")),
        "no eps": ("(var + eps).rsqrt()", "var.rsqrt()"),
        "contexts of another length accepted": ("    if len(stages) != len(levels):\n", "    if False:\n"),
    },
    "Deal": {
        "one batch too many in an epoch": ("1 + bisect_left(", "2 + bisect_left("),
        "batches too large": ("1 + bisect_left(", "0 + bisect_left("),
        "a dealt context weighs its own count": ("value=self.steps)\n\n", "value=1)\n\n"),
        "frequent contexts left out": ("torch.cat([self.always, rows])", "torch.cat([self.always[:0], rows])"),
        "frequent contexts weigh one": ("F.pad(self.weight[self.always],", "F.pad(torch.ones(len(self.always)),"),
        "never shuffled": ("self.dealt[torch.randperm(len(self.dealt), generator=self.generator)]", "self.dealt"),
        "seed is ignored": ("torch.Generator().manual_seed(seed)\n        most", "torch.Generator()\n        most"),
        "shuffled once": (
            "            self._shuffle()\n        rows, ",
            "            self.place = 0 if hasattr(self, 'cards') else self._shuffle() or 0\n        rows, ",
        ),
        "each context dealt once": ("order[torch.searchsorted(ends, at[at < ends[-1:].sum()], right=True)]", "order"),
        "no random first card": ("first = torch.rand(1, generator=self.generator, dtype=torch.float64)", "first = 0.5"),
        "the last card lost": ("(0, -len(cards) % self.steps), value=-1)", "(0, -(len(cards) % self.steps)))"),
    },
    "fit": {
        "loss without weights": (LOSS, "F.cross_entropy(logits, examples.targets[rows]).backward()"),
        "targets of other contexts": ("examples.targets[rows]", "examples.targets[: len(rows)]"),
        "gradients added up": ("        model.zero_grad()\n", ""),
        "schedule ignored": ("lr * schedule((step + 0.5) / steps)", "lr"),
        "rates multiply": ('group["lr"] = lr * schedule', 'group["lr"] *= schedule'),
        "statistics of the last batches": ("    recalibrate(model, examples)\n    model.eval()", "    model.eval()"),
        "left in train mode": (
            "    recalibrate(model, examples)\n    model.eval()",
            "    recalibrate(model, examples)",
        ),
        "trains in eval mode": ("    model.train()\n    for step", "    model.eval()\n    for step"),
        "recalibrates a little": ("momentum=1.0)", "momentum=0.1)"),
        "recalibrates without weights": (
            "examples.weight, momentum=1.0)",
            "torch.ones_like(examples.weight), momentum=1.0)",
        ),
    },
    "orthogonalized": {
        "two iterations": ("iterations: int = 5) -> Float", "iterations: int = 2) -> Float"),
        "not normalised": ("X / (torch.linalg.matrix_norm(X, keepdim=True) + 1e-7)", "X"),
        "divides by 0": (" + 1e-7)", ")"),
        "one norm for all matrices": ("torch.linalg.matrix_norm(X, keepdim=True)", "X.norm()"),
        "tall matrices stay transposed": ("(X.mT if is_tall else X).reshape", "X.reshape"),
        "only its direction": ("for _ in range(iterations):", "for _ in range(0):"),
    },
    "Muon": {
        "no Nesterov": ('p.grad.lerp(average, group["momentum"])', "average"),
        "momentum the wrong way": ('1 - group["momentum"])', 'group["momentum"])'),
        "always five iterations": (', group["iterations"])', ")"),
        "not orthogonalised": ('orthogonalized(torch.stack(ahead), group["iterations"])', "torch.stack(ahead)"),
        "size of the smaller side": ("math.sqrt(max(m, n))", "math.sqrt(min(m, n))"),
        "no weight decay": ('mul_(1 - group["lr"] * group["weight_decay"])', "mul_(1)"),
        "weight decay without the rate": ('group["lr"] * group["weight_decay"]', 'group["weight_decay"]'),
        "climbs": ('alpha=group["lr"])', 'alpha=-group["lr"])'),
    },
    "leave_one_out": {
        "nothing left out": ("pairs % V] -= 1", "pairs % V] -= 0"),
        "another character left out": ("pairs % V] -= 1", "pairs // V % V] -= 1"),
        "counts of the pair before": (".view(seen, V)[pairs // V]", ".view(seen, V)[(pairs // V - 1).clamp(min=0)]"),
        "the shorter context of another window": ("shorter = probs[torch", "shorter = probs[0 * torch"),
        "reads the first characters": ("X[:, -length], seen", "X[:, length - 1], seen"),
        "one character less": ("range(context + 1)", "range(context)"),
        "unseen contexts uniform": ("t.clamp(min=1) * shorter)", "t * shorter + (t == 0) / V)"),
        "left out twice": ("(counts + t.clamp(min=1) * shorter) / (n", "(counts + t.clamp(min=1) * shorter) / (n - 1"),
    },
}
