"""Mistakes in lib/recipes.py: target, then mistake, then the old text and the new text."""

COSINE = "(1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2"

WRONG = {
    "Recipe": {
        "no warm-up": ("        if step < warmup:\n", "        if step < 0:\n"),
        "first step at a rate of 0": ("(step + 1) / warmup", "step / warmup"),
        "no decay": (f"self.lr * {COSINE}", "self.lr"),
        "linear decay": (COSINE, "(steps - step) / (steps - warmup)"),
        "cosine from the first step on": (COSINE, "(1 + math.cos(math.pi * step / steps)) / 2"),
        "a whole cosine, that rises again": ("math.cos(math.pi *", "math.cos(2 * math.pi *"),
        "drops one step late": ("step < self.drop_at * steps", "step <= self.drop_at * steps"),
        "drops to a half": ("self.lr / 10", "self.lr / 2"),
        "part of a batch counts as a step": ("windows // self.batch_size))", "-(-windows // self.batch_size)))"),
        "parts of an epoch are lost": ("int(self.epochs * max(", "int(int(self.epochs) * max("),
        "validation at the wrong steps": ("round(steps * (i + 1) / self", "round(steps * i / self"),
        "epochs and steps are accepted": (
            "if (self.epochs is None) == (self.steps is None):",
            "if self.epochs is None and self.steps is None:",
        ),
    },
}
