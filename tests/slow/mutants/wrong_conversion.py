"""Mistakes in lib.wavenet.conversion: target, mistake, the text to replace and its replacement."""

COPY = "conv.weight, conv.bias = copy.deepcopy(linear.weight), copy.deepcopy(linear.bias)"
RESIDUAL = "out = out + seen[..., -x.shape[2] :]"

WRONG = {
    "staged_to_dilated": {
        "dilations always doubled": (
            "spacing, channels = spacing * layer.flatten.n, ",
            "spacing, channels = spacing * 2, ",
        ),
        "dilation off by one": (
            "linear.out_features, flatten.n, spacing)",
            "linear.out_features, flatten.n, spacing + 1)",
        ),
        "all dilations 1": ("linear.out_features, flatten.n, spacing)", "linear.out_features, flatten.n)"),
        "flat layers not counted in the spacing": (
            "spacing, channels = spacing * layer.n, linear.out_features",
            "channels = linear.out_features",
        ),
        "residual from the left-hand neighbour": (RESIDUAL, "out = out + seen[..., : x.shape[2]]"),
        "residual from the first positions": (RESIDUAL, "out = out + x[:, : out.shape[1]]"),
        "residual from the time step before": (
            RESIDUAL,
            "out = out + x[:, -out.shape[1] - 1 : -1]",
        ),
        "residual left out": (RESIDUAL, "out = out + 0"),
        "residual everywhere": (
            "copy.deepcopy(stage.activation), stage.residual)",
            "copy.deepcopy(stage.activation), True)",
        ),
        "buffers not copied": (
            "return DilatedStage(conv, copy.deepcopy(stage.norm),",
            "return DilatedStage(conv, BatchNorm1d(conv.out_channels).to(conv.weight),",
        ),
        "buffers shared": (
            "return DilatedStage(conv, copy.deepcopy(stage.norm),",
            "return DilatedStage(conv, stage.norm,",
        ),
        "activation shared": ("copy.deepcopy(stage.activation), stage.residual)", "stage.activation, stage.residual)"),
        "weights shared": (COPY, "conv.weight, conv.bias = linear.weight, linear.bias"),
        "embedding and head shared": ("layers[name] = copy.deepcopy(layer)\n", "layers[name] = layer\n"),
        "weights not copied": (COPY, "conv.bias = copy.deepcopy(linear.bias)"),
        "taps reversed": (
            COPY,
            COPY + "\n    conv.weight.data = conv.weight.data.view(-1, flatten.n, channels).flip(1).flatten(1)",
        ),
        "activation before the norm": (
            "self.activation(self.norm(self.conv.project(seen)))",
            "self.norm(self.activation(self.conv.project(seen)))",
        ),
        "always tanh": ("copy.deepcopy(stage.activation), stage", "nn.Tanh(), stage"),
        "in the mode of the tree": ("    return net.eval()", "    return net.train(model.training)"),
        "accepts a context that the stages do not join": (
            'if getattr(model, "context", net.context) != net.context:',
            "if False:",
        ),
        "accepts a layer that is not position-wise": (
            "if why or among_others.shape != alone.shape or not torch.allclose(among_others, alone, atol=1e-6):",
            "if why:",
        ),
        "accepts a layer that fails": (
            'why = f" ({type(error).__name__}: {error})"\n',
            "return channels\n",
        ),
        "activations not checked": (
            '    _channels_after(f"{name}.activation", stage.activation, conv.out_channels)\n',
            "",
        ),
        "mistakes time steps for channels": ("T = channels + 1  #", "T = channels  #"),
        "accepts bare stages": ("if type(linear) is not nn.Linear:", "if not isinstance(linear, nn.Module):"),
        "features not compared": ("if linear.in_features != flatten.n * channels:", "if False:"),
        "no embedding needed": (" or not isinstance(layers[0], nn.Embedding):", ":"),
    },
}
