"""Mistakes in lib/wavenet/sequences.py: target, then mistake, then the old text and the new text."""

IDS = "ids = F.pad(targets[:, :-1].clamp(min=0), (receptive_field, 0))"
TARGETS = "return Sequences(ids, track[receptive_field:].unfold(0, length, length))"
CUT = "targets, ids = targets[:, :T_out], ids[:, : model.receptive_field - 1 + T_out]"
LONGEST = "T_out = int((targets != IGNORED).any(dim=0).nonzero().max()) + 1"

WRONG = {
    "make_sequences": {
        "mask ignored": ("padding_value=IGNORED)", "padding_value=0)"),
        "one stop mark too few": (IDS, IDS.replace("(receptive_field, 0)", "(receptive_field - 1, 0)")),
        "targets are the letters themselves": (IDS, IDS.replace("targets[:, :-1]", "targets[:, 1:]")),
        "padding behind instead of before": (IDS, IDS.replace("(receptive_field, 0)", "(0, receptive_field)")),
        "padded with a letter": (IDS, IDS.replace("(receptive_field, 0)", "(receptive_field, 0), value=1")),
        "mask among the ids": (IDS, IDS.replace("clamp(min=0)", "clamp(min=IGNORED)")),
        "the end of a name is not predicted": (
            "rows = characters.split([len(name) + 1 for name in names])",
            "rows = [row[:-1] for row in characters.split([len(name) + 1 for name in names])]",
        ),
        "condition ignored": ("None if condition is None else torch.as_tensor(condition))", "None)"),
        "conditions not counted": (
            "if condition is not None and len(condition) != len(names):",
            "if condition is not None and len(condition) < 1:",
        ),
    },
    "cut_sequences": {
        "targets are the ids": (TARGETS, TARGETS.replace("track[receptive_field:]", "track[receptive_field - 1 :]")),
        "targets one later": (TARGETS, TARGETS.replace("track[receptive_field:]", "track[receptive_field + 1 :]")),
        "chunks overlap": (TARGETS, TARGETS.replace("length, length", "length, length // 2")),
        "chunks without the time steps before": (
            "unfold(0, receptive_field - 1 + length, length)",
            "unfold(0, length, length)",
        ),
        "the last chunk is lost": ("ids = track[:-1].unfold", "ids = track[: -length].unfold"),
        "a track that is too short is accepted": (
            "or len(track) < receptive_field + length:",
            "or len(track) < length:",
        ),
        "a length of 0 is accepted": ("if min(receptive_field, length) < 1 or", "if receptive_field < 1 or"),
    },
    "sequence_loss": {
        "mask ignored": ("targets.flatten(), ignore_index=IGNORED,", "targets.flatten().clamp(min=0),"),
        "another mask": ("ignore_index=IGNORED", "ignore_index=0"),
        "time and vocabulary mixed": ("logits.flatten(0, 1)", "logits.transpose(0, 1).flatten(0, 1)"),
        "reduction ignored": ("reduction=reduction)", 'reduction="mean")'),
        "cut one short of the longest": (LONGEST, LONGEST.replace(" + 1", " or 1")),
        "cut to the first of the batch": (LONGEST, "T_out = int((targets[0] != IGNORED).sum())"),
        "cut without the letters before": (CUT, CUT.replace("model.receptive_field - 1 + T_out", "T_out")),
        "every chunk taken for a beginning": ("if bool((before == before[:, :1]).all()):", "if True:"),
        "one beginning is taken for all": (
            "bool((before == before[:, :1]).all())",
            "bool((before == before[:, :1]).any())",
        ),
        "two stop marks before the letters": (
            "= ids[:, model.receptive_field - 1 :], repeating",
            "= ids[:, model.receptive_field - 2 :], repeating",
        ),
        "condition of other rows": (
            '{"condition": self.condition[rows]}',
            '{"condition": self.condition[: len(rows)]}',
        ),
    },
    "Sequences": {
        "same sequences at every step": (
            "self.ids[rows], self.targets[rows]",
            "self.ids[: len(rows)], self.targets[: len(rows)]",
        ),
        "reduction lost": (
            "sequence_loss(model(ids, **given), targets, reduction)",
            "sequence_loss(model(ids, **given), targets)",
        ),
        "another receptive field is accepted": (
            "made_for != model.receptive_field:",
            "made_for < model.receptive_field:",
        ),
        "a smaller receptive field is accepted": (
            "made_for != model.receptive_field:",
            "made_for > model.receptive_field:",
        ),
        "sequences without targets are accepted": ("if predictions(self) == 0:", "if predictions(self) < 0:"),
    },
    "OnWindows": {
        "the first of a longer window": ("self.model(ids[:, -self.context :],", "self.model(ids[:, : self.context],"),
        "condition ignored": ("torch.full_like(ids[:, 0], self.condition)", "torch.zeros_like(ids[:, 0])"),
        "tree ignored": ("TreeTaps(model) if tree else dense_taps", "dense_taps"),
        "a copy of the net": (
            "self.model, self.condition, self.context = model,",
            "self.model, self.condition, self.context = __import__('copy').deepcopy(model),",
        ),
        "a context of 8": ("= model, condition, model.receptive_field", "= model, condition, 8"),
    },
}
