"""Mistakes in lib/batches.py: target, then mistake, then the text that it replaces and the text that it puts there."""

WRONG = {
    "Batches": {
        "never shuffles": (
            "torch.randperm(len(self.examples.inputs), generator=self.generator)",
            "torch.arange(len(self.examples.inputs))",
        ),
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
        "draws from the generator of everyone": (
            "torch.randperm(len(self.examples.inputs), generator=self.generator)",
            "torch.randperm(len(self.examples.inputs))",
        ),
        "with and without replacement swapped": ("elif self.replacement:", "elif not self.replacement:"),
        "all contexts drawn alike": (
            "                self.draw, BLOCK",
            "                torch.ones_like(self.draw), BLOCK",
        ),
        "loss without the weights": (
            '(F.cross_entropy(logits, targets, reduction="none") * weight).sum() / weight.sum()',
            "F.cross_entropy(logits, targets)",
        ),
        "loss divided by the number, not the weight": (") * weight).sum() / weight.sum()", ") * weight).mean()"),
        "soft targets padded on the left": (
            "(0, logits.shape[1] - targets.shape[1])",
            "(logits.shape[1] - targets.shape[1], 0)",
        ),
    },
    "make_examples": {
        "counts for probabilities": (" / count[:, None]", ".float()"),
        "the letter's share given to the teacher": (".float(), recipe.teacher)", ".float(), 1 - recipe.teacher)"),
        "the teacher instead of the letter": (
            "came.lerp(teacher.predict(contexts).float(), recipe.teacher)",
            "teacher.predict(contexts).float()",
        ),
        "the teacher reads the whole context": ("min(recipe.teacher_context, X.shape[1])", "X.shape[1]"),
        "what the cap takes is lost": ("count / draw)", "torch.ones_like(draw))"),
        "frequent contexts drawn more often and weighed more": ("count / draw)", "count.float())"),
    },
    "checkpoint": {
        "place in the shuffle not restored": ('        self.place = state["place"]\n', ""),
        "generator kept as it is after the shuffle": (
            '{"generator": self.before,',
            '{"generator": self.generator.get_state(),',
        ),
    },
}
