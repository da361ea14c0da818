"""Mistakes in lib/training.py: target, then mistake, then the text that it replaces and the text that it puts there."""

STEP = """                _check_loss(loss.item(), step, recipe)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
"""
MATRICES = """    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
"""
SUM = """total += F.cross_entropy(model(x.to(device)), y.to(device), reduction="sum").item()
    return total / len(windows[1])
"""

WRONG = {
    "train": {
        "no zero_grad": ("                optimizer.zero_grad()\n", ""),
        "loss not checked": ("                _check_loss(loss.item(), step, recipe)\n", ""),
        "loss checked after the step": (
            STEP,
            STEP.partition("\n")[2] + STEP.partition("\n")[0] + "\n",
        ),
        "infinite loss is taken": ("if not math.isfinite(loss):", "if math.isnan(loss):"),
        "trains in eval mode": ("_mode(model, training=True)", "_mode(model, training=False)"),
        "mode put back as the outermost module had it": (
            "            module.training = was_training",
            "            module.training = before[model]",
        ),
        "threads not put back": (
            "    finally:\n        torch.set_num_threads(before)",
            "    finally:\n        pass",
        ),
        "as many threads as there are": ("with _threads_for(recipe.batch_size), ", "with "),
        "generator of everyone not put back": ("torch.random.fork_rng(devices=[]), ", ""),
        "dropout not seeded": ("        torch.manual_seed(seed)\n", ""),
        "Ctrl-C not put back": (
            "    finally:\n        signal.signal(signal.SIGINT, before)",
            "    finally:\n        pass",
        ),
        "Ctrl-C does not stop": (" and not stop.is_set():", ":"),
        "one step too few": ("while len(history.train) < steps and", "while len(history.train) < steps - 1 and"),
        "watch called after the step": (
            "                if watch is not None:\n                    watch(step)\n",
            "                if watch is not None and step:\n                    watch(step)\n",
        ),
        "watch not called at the end": ("            watch(steps)\n", "            pass\n"),
        "schedule off": ("recipe.lr_at(step, steps)", "recipe.lr"),
        "schedule one step ahead": ("recipe.lr_at(step, steps)", "recipe.lr_at(step + 1, steps)"),
        "schedule for matrices only": ("in optimizer.param_groups:", "in optimizer.param_groups[:1]:"),
        "validation at the wrong steps": ("round(steps * (i + 1) / recipe", "round(steps * i / recipe"),
        "weight decay on vectors too": ('"weight_decay": 0.0}', '"weight_decay": recipe.weight_decay}'),
        "no weight decay on the embedding": (
            MATRICES,
            "    matrices = [m.weight for m in model.modules() if isinstance(m, nn.Linear)]\n"
            "    vectors = [p for p in model.parameters() if not any(p is m for m in matrices)]\n",
        ),
        "embedding not trained": (
            "[p for p in model.parameters() if p.ndim >= 2]",
            "[m.weight for m in model.modules() if isinstance(m, nn.Linear)]",
        ),
        "weight decay in the gradient (Adam, not AdamW)": ("torch.optim.AdamW(", "torch.optim.Adam("),
        "betas ignored": ("betas=recipe.betas, ", ""),
        "SGD with momentum": (
            "torch.optim.SGD(model.parameters(), lr=recipe.lr)",
            "torch.optim.SGD(model.parameters(), recipe.lr, 0.9)",
        ),
        "takes empty windows": ("if len(X) != len(Y) or len(Y) == 0:", "if len(X) != len(Y):"),
    },
    "checkpoint": {
        "optimizer's state not restored": ('    optimizer.load_state_dict(checkpoint["optimizer"])\n', ""),
        "model not restored": ('    model.load_state_dict(checkpoint["model"])\n', ""),
        "shuffle not restored": ('    batches.load_state_dict(checkpoint["batches"])\n', ""),
        "dropout's generator not restored": ('    torch.set_rng_state(checkpoint["torch_rng"])\n', ""),
        "history not restored": ("            history = _resume(", "            _resume("),
        "seconds before the stop are lost": ("history.seconds = earlier + time", "history.seconds = time"),
        "written over the old one": (
            'tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")',
            "os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), path",
        ),
        "half a file left behind": ("        Path(beside).unlink(missing_ok=True)\n", ""),
        "runs a file's code": ("weights_only=True", "weights_only=False"),
        "any training is resumed": ("if checkpoint.get(name) != wanted:", "if name not in checkpoint:"),
        "seed not compared": (', "seed": seed}', "}"),
        "recipe compared by name": ('{"recipe": asdict(recipe),', '{"recipe": recipe.name,'),
        "windows not compared": ('identity["windows"] = _fingerprint(train_windows)', 'identity["windows"] = ""'),
        "windows compared by shape": ("t.cpu().contiguous().numpy().tobytes() for t", "str(t.shape).encode() for t"),
        "targets not compared": ("numpy().tobytes() for t in windows)", "numpy().tobytes() for t in windows[:1])"),
        "written one step late": ("if (step + 1) % checkpoint_every == 0", "if step % checkpoint_every == 0"),
        "not written at the end": ("            watch(steps)\n        save()\n", "            watch(steps)\n"),
        "a broken file starts afresh": (
            "            history = _resume(load_checkpoint(checkpoint), identity, model, optimizer, batches)\n",
            "            try:\n"
            "                history = _resume(load_checkpoint(checkpoint), identity, model, optimizer, batches)\n"
            "            except ValueError:\n"
            "                pass\n",
        ),
    },
    "evaluate": {
        "runs in the mode that the model is in": (
            "with torch.no_grad(), _mode(model, training=False):",
            "with torch.no_grad():",
        ),
        "mode not put back": (
            "with torch.no_grad(), _mode(model, training=False):",
            "model.eval()\n    with torch.no_grad():",
        ),
        "keeps the graph for a gradient": ("with torch.no_grad(), _mode(", "with _mode("),
        "summed instead of averaged": (SUM, SUM.replace(" / len(windows[1])", "")),
        "uneven pieces averaged": (
            SUM,
            SUM.replace(', reduction="sum"', "").replace("len(windows[1])", "math.ceil(len(windows[1]) / piece)"),
        ),
        "a smaller last piece is dropped": (
            "(t.split(piece) for t in windows)",
            "(t.unfold(0, piece, piece) for t in windows)",
        ),
        "averaged over letters seen, not letters guessed": ("total / len(windows[1])", "total / windows[0].numel()"),
        "in bits": ("total / len(windows[1])", "total / len(windows[1]) / math.log(2)"),
    },
}
