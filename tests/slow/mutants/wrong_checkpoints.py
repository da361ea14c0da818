"""Mistakes in lib/checkpoints.py: target, then mistake, then the old text and the new text."""

WRONG = {
    "save_model": {
        "no facts": ('"facts": facts}', '"facts": {}}'),
        "a net without settings is saved": (
            "if training is None and str(_build(settings)) != str(model):",
            "if False:",
        ),
        "not checked": ("    check_net(model, vocabulary)\n    characters", "    characters"),
        "another size of vocabulary is accepted": ("size not in (None, len(vocabulary))", "False"),
        "NaN is accepted": ("if value.isnan().any()", "if False"),
        "NaN is looked for in parameters only": ("in model.state_dict().items() if", "in model.named_parameters() if"),
        "a folder is accepted": ("if path.is_dir():", "if False:"),
        "a missing folder is accepted": ("if not path.parent.is_dir():", "if False:"),
    },
    "load_model": {
        "in train mode": ("return model.eval(), vocabulary", "return model, vocabulary"),
        "weights not loaded": ('        model.load_state_dict(saved["weights"], assign=True)', "        pass"),
        "weights cast to the default format": (", assign=True)", ")"),
        "defaults are not recorded": ("        call.apply_defaults()\n", ""),
        "a layer is forgotten": ('return f"{rooms[0]}.{name}" if rooms else name', "return None"),
        "BatchNorm1d of torch for that of lib": (
            '{"torch.nn": nn, "lib.layers": layers}',
            '{"torch.nn": nn, "lib.layers": nn}',
        ),
        "any text is a layer": ("if not (isinstance(value, type) and issubclass(value, nn.Module)):", "if False:"),
        "torch's generator is used": ("with torch.random.fork_rng(devices=[]):", "if True:"),
        "loaded net is not checked": ("        check_net(model, vocabulary)\n    except", "    except"),
        "characters in any order": ("if vocabulary.decode(range(len(vocabulary))) != saved", "if not saved"),
        "missing parts are not named": ('if missing := sorted({"char', 'if False and sorted({"char'),
    },
    "TrainingState": {
        "missing parts are not named": ("if missing := sorted({*PARTS}", "if False and sorted({*PARTS}"),
        "optimizer's state not restored": ('        self.optimizer.load_state_dict(state["optimizer"])\n', ""),
        "model not restored": ('        self.model.load_state_dict(saved["weights"])\n', ""),
        "batches not restored": ('        self.batches.load_state_dict(state["batches"])\n', ""),
        "dropout's generator not restored": ('        torch.set_rng_state(state["generator"])\n', ""),
        "history not restored": ('        vars(self.history).update(state["history"])\n', ""),
        "any training is resumed": (".get(name)) != expected:", ".get(name)) is None and expected:"),
        "another net is resumed": ('{"net": getattr(self.model, "settings", None)} | fingerprint', "fingerprint"),
        "a net without training is resumed": ("        if state is None:\n", "        if state is False:\n"),
        "path not checked before training": ("self.path = check_path(self.path)", "self.path = Path(self.path)"),
        "vocabulary not checked before training": ("        check_net(self.model, self.vocabulary)\n", ""),
        "vocabulary is lost when resumed without it": ("self.vocabulary or vocabulary_of(saved)", "self.vocabulary"),
        "vocabulary is not saved": (
            "save_model(self.path, self.model, self.vocabulary,",
            "save_model(self.path, self.model, None,",
        ),
        "a broken file starts again": (
            "        saved = load_checkpoint(self.path)\n        state,",
            "        try:\n            saved = load_checkpoint(self.path)\n        except ValueError:\n            return\n        state,",
        ),
    },
    "load_checkpoint": {
        "runs a file's code": ("weights_only=True", "weights_only=False"),
        "a missing file is not named": ("if not path.is_file():", "if False:"),
    },
    "atomic_write": {
        "written over the old file": ("open(part,", "open(path,"),
        "the old file is deleted first": (
            "    try:\n        with open(part",
            "    Path(path).unlink(missing_ok=True)\n    try:\n        with open(part",
        ),
        "half a file left behind": ("        part.unlink(missing_ok=True)\n", ""),
        "the name grows": ('f".{secrets.token_hex(8)}.part"', 'f"{Path(path).name}{secrets.token_hex(8)}.part"'),
    },
}
