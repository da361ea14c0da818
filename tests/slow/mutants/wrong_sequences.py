"""Mistakes in lib/sequences.py: target, then mistake, then the text that it replaces and the text that it puts there."""

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
            "rows = letters.split([len(name) + 1 for name in names])",
            "rows = [row[:-1] for row in letters.split([len(name) + 1 for name in names])]",
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
        "pieces overlap": (TARGETS, TARGETS.replace("length, length", "length, length // 2")),
        "pieces without the time steps before": (
            "unfold(0, receptive_field - 1 + length, length)",
            "unfold(0, length, length)",
        ),
        "the last piece is lost": ("ids = track[:-1].unfold", "ids = track[: -length].unfold"),
        "takes a track that is too short": ("or len(track) < receptive_field + length:", "or len(track) < length:"),
        "takes a length of 0": ("if min(receptive_field, length) < 1 or", "if receptive_field < 1 or"),
    },
    "sequence_loss": {
        "mask ignored": ("targets.flatten(), ignore_index=IGNORED,", "targets.flatten().clamp(min=0),"),
        "another mask": ("ignore_index=IGNORED", "ignore_index=0"),
        "time and vocabulary mixed": ("logits.flatten(0, 1)", "logits.transpose(0, 1).flatten(0, 1)"),
        "reduction ignored": ("reduction=reduction)", 'reduction="mean")'),
        "cut one short of the longest": (LONGEST, LONGEST.replace(" + 1", " or 1")),
        "cut to the first of the batch": (LONGEST, "T_out = int((targets[0] != IGNORED).sum())"),
        "cut without the letters before": (CUT, CUT.replace("model.receptive_field - 1 + T_out", "T_out")),
        "every piece taken for a beginning": ("if only_stop_marks:", "if True:"),
        "one beginning is taken for all": (
            "bool((before == before[:, :1]).all())",
            "bool((before == before[:, :1]).any())",
        ),
        "two stop marks before the letters": (
            "model(ids[:, model.receptive_field - 1 :]",
            "model(ids[:, model.receptive_field - 2 :]",
        ),
        "condition of other rows": (
            '{"condition": sequences.condition[rows]}',
            '{"condition": sequences.condition[: len(rows)]}',
        ),
    },
    "train_sequences": {
        "batch size counts sequences": (
            "batch_size=max(1, round(recipe.batch_size * len(rows) / predicted))",
            "batch_size=recipe.batch_size",
        ),
        "batch size counts padding": (
            "round(recipe.batch_size * len(rows) / predicted)",
            "recipe.batch_size // train.targets.shape[1]",
        ),
        "steps counted in sequences": ("recipe.total_steps(predicted)", "recipe.total_steps(len(rows))"),
        "same sequences at every step": ("_loss(model, train, batch)", "_loss(model, train, rows[: len(batch)])"),
        "seed ignored": ("at_once, seed, _device(model))", "at_once, 0, _device(model))"),
        "validates on what it trains on": (
            "lambda: evaluate_sequences(model, val)",
            "lambda: evaluate_sequences(model, train) + 1",
        ),
        "never validates": ("None if val is None else lambda", "None if True else lambda"),
        "takes a teacher": ("if recipe.teacher or recipe.distinct:", "if recipe.teacher and not recipe.distinct:"),
        "any sequences are resumed": (
            'identity["windows"] = _fingerprint([part for part in train if part is not None])',
            'identity["windows"] = ""',
        ),
        "condition not compared": (
            "_fingerprint([part for part in train if part is not None])",
            "_fingerprint(train[:2])",
        ),
        "val not looked at": ("(train,) if val is None else (train, val):", "(train,):"),
        "another receptive field is taken": (
            "if made_for != model.receptive_field:",
            "if made_for < model.receptive_field:",
        ),
        "sequences without targets are taken": ("if _predicted(sequences) == 0:", "if _predicted(sequences) < 0:"),
    },
    "evaluate_sequences": {
        "runs in the mode that the net is in": ("with torch.no_grad(), eval_mode(model):", "with torch.no_grad():"),
        "mode not put back": (
            "with torch.no_grad(), eval_mode(model):",
            "model.eval()\n    with torch.no_grad():",
        ),
        "pieces averaged": (
            'return sum(_loss(model, sequences, rows, "sum").item() for rows in pieces) / _predicted(sequences)',
            "return sum(_loss(model, sequences, rows).item() for rows in pieces) / len(pieces)",
        ),
        "divided by all targets": ("/ _predicted(sequences)", "/ sequences.targets.numel()"),
        "the first piece only": ("for rows in pieces)", "for rows in pieces[:1])"),
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
