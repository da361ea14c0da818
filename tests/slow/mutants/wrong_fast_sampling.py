"""Mistakes in lib.fast_sampling: target, mistake, the text to replace and its replacement."""

WRONG = {
    "tabulated": {
        "contexts that overflow": ("V ** (2 ** len(stages)) < 2**63", "True"),
        "tables of any size": ("V * V <= MOST_PAIRS", "True"),
        "one stage is enough": ("len(model) < 4", "len(model) < 3"),
        "any activation": ("type(stage.activation) in ELEMENTWISE", "True"),
        "hooks are not called": ("and not hooked ", ""),
        "bfloat16": (" and right_dtype", ""),
        "other layers": ("type(stage) is Stage", "True"),
        "other ends": (" or type(head) is not nn.Linear", ""),
        "a head without bias": (" or head.bias is None", ""),
    },
    "many_small_calls": {
        "oneDNN stays off": ("mkldnn.enabled = before", "mkldnn.enabled = False"),
        "oneDNN stays on": ("mkldnn.enabled = False", "mkldnn.enabled = before"),
        "stays off after an error": (
            "    finally:\n        torch",
            "    except KeyError:\n        pass\n    else:\n        torch",
        ),
    },
    "Tables": {
        "BatchNorm's scale left out": ("(stage.linear.weight * scale[:, None]).T", "stage.linear.weight.T"),
        "BatchNorm's mean left out": ("norm.bias - norm.running_mean * scale", "norm.bias"),
        "no eps": ("norm.running_var + norm.eps", "norm.running_var"),
        "halves swapped": ("(W[:C], W[C:], ", "(W[C:], W[:C], "),
        "pairs the wrong way round": ("[:, None] + (x @ W_right)[None]", "[None] + (x @ W_right)[:, None]"),
        "characters packed the wrong way round": (
            "torch.arange(self.context - 1, -1, -1)",
            "torch.arange(self.context)",
        ),
        "the residual left out": (
            "out.add_(x if right is None else x.index_select(0, right)) if stage.residual else out",
            "out",
        ),
        "the residual always": (" if stage.residual else out", ""),
        "the residual of the left half": (
            "x if right is None else x.index_select(0, right)",
            "x if right is None else x.index_select(0, left)",
        ),
        "left halves not spread again": (".index_select(0, which).addmm", ".index_select(0, which.flip(0)).addmm"),
        "spare columns are characters": ("[:, : self.V]", ""),
        "activation of the first stage": ("out = stage.activation(z)", "out = self.stages[0].activation(z.relu())"),
    },
    "draw_ids": {
        "uniform times": ("uniform.neg_().log1p_().neg_().float()", "uniform.float()"),
        "uniform times, of float64": (".exponential_(generator=generator)", ".uniform_(generator=generator)"),
        "generator ignored, of float64": ("exponential_(generator=generator)", "exponential_()"),
        "probabilities multiplied": ("torch.div(drawn_from, times", "torch.mul(drawn_from, times"),
    },
}
