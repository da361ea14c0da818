"""Mistakes in lib/batches.py: target, then mistake, then the old text and the new text."""

WRONG = {
    "Batches": {
        "never shuffles": ("torch.randperm(self.rows, generator=self.generator, dtype=small)", "torch.arange(self.rows)"),
        "shuffles only once": (
            "            self._shuffle()\n        batch",
            "            self.place = 0\n        batch",
        ),
        "a smaller last batch": ("if self.place + self.batch_size > len(", "if self.place >= len("),
        "a whole last batch is dropped": (
            "if self.place + self.batch_size > len(",
            "if self.place + self.batch_size >= len(",
        ),
        "windows used twice": ("self.place += self.batch_size\n", "self.place += self.batch_size // 2\n"),
        "seed is ignored": ("torch.Generator().manual_seed(seed)", "torch.Generator()"),
        "draws from torch's generator": (
            "torch.randperm(self.rows, generator=self.generator, dtype=small)",
            "torch.randperm(self.rows)",
        ),
        "with and without replacement swapped": ("elif self.replacement:", "elif not self.replacement:"),
        "all contexts drawn alike": ("multinomial(self.draw, drawn", "multinomial(torch.ones_like(self.draw), drawn"),
    },
    "Examples": {
        "loss without the weights": ("        if self.weight is None:\n", "        if True:\n"),
        "loss divided by the number, not the weight": (") * weight).sum() / weight.sum()", ") * weight).mean()"),
        "soft targets padded on the left": (
            "(0, logits.shape[1] - targets.shape[1])",
            "(logits.shape[1] - targets.shape[1], 0)",
        ),
        "targets of other rows": ("self.targets[rows]\n", "self.targets[: len(rows)]\n"),
        "reduction ignored": (
            "return F.cross_entropy(logits, targets, reduction=reduction)",
            "return F.cross_entropy(logits, targets)",
        ),
        "empty windows are accepted": ("if len(X) != len(Y) or len(Y) == 0:", "if len(X) != len(Y):"),
        "windows are not checked": ("    examples.check(model)\n", ""),
    },
    "make_examples": {
        "counts for probabilities": (" / count[:, None]", ".float()"),
        "the character's share given to the teacher": (".float(), recipe.teacher)", ".float(), 1 - recipe.teacher)"),
        "the teacher instead of the character": (
            "targets.lerp(teacher.predict(contexts).float(), recipe.teacher)",
            "teacher.predict(contexts).float()",
        ),
        "the teacher reads the whole context": ("min(recipe.teacher_context, X.shape[1])", "X.shape[1]"),
        "what the cap takes is lost": ("count / draw)", "torch.ones_like(draw))"),
        "frequent contexts drawn more often and weighed more": ("count / draw)", "count.float())"),
        "sequences with a teacher are accepted": ("if not isinstance(examples, Examples):", "if False:"),
    },
    "checkpoint": {
        "place in the shuffle not restored": ('        self.place = state["place"]\n', ""),
        "generator saved after the shuffle": (
            '{"generator": self.before,',
            '{"generator": self.generator.get_state(),',
        ),
    },
}
