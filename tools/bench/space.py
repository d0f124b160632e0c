"""Draws training problems by a seed: a case is one description, of which the model file of sslc and the module of PyTorch
(peers/torch_space.py) are both made.

    python3 space.py COUNT SEED         prints the cases, a line each
    python3 space.py COUNT SEED FOLDER  also writes FOLDER/NAME/model.json and case.json

Case i of a seed does not depend on how many are drawn. Only the standard library is needed. What a step costs is bounded
(FLOPS, FLOATS), so that a case is timed in seconds: where a draw costs more its batch is halved, and at a batch too small
it is drawn again."""

import json
import math
import pathlib
import random
import sys
from dataclasses import asdict, dataclass

FLOPS = 12e9  # of a step, at most
FLOATS = 32e6  # of all activations together, at most
DATA = 6e6  # numbers of all batches, at most
BATCHES = 10


@dataclass(frozen=True)
class Case:
    """A network is a list of layers, each a list of its name and its numbers; see LAYERS.

    `shape` is that of a sample, of numbers or, where `kinds` is not 0, of integers below it. `goal` says what is learned:
    the sample itself ("same"), the next place along its first axis ("next"), or one of `labels` labels ("label")."""

    name: str
    family: str
    batch: int
    shape: list
    kinds: int
    layers: list
    goal: str
    optimizer: str
    labels: int = 10

    @property
    def batches(self):
        """As many batches as there is room for."""
        return max(1, min(BATCHES, int(DATA / (self.batch * math.prod(self.shape)))))


def named(name, batch, shape, kinds, layers, goal, optimizer):
    return Case(name, name, batch, shape, kinds, layers, goal, optimizer)


STRIDED = [["conv", 256, 10, 5, 1, 0], *[["conv", 256, 3, 2, 1, 0]] * 4, *[["conv", 256, 2, 2, 1, 0]] * 2]
HEARD = [layer for conv in STRIDED for layer in (conv, ["batch_norm"], ["gelu"])]

# Rows of bench.py that a description says as well: a GRU, an encoder like wav2vec's (Baevski et al. 2020) on a second of
# sound, and the nets of shipped models, whose schedules, masks and clipping are left out.
NAMED = {
    case.name: case
    for case in (
        named("gru", 32, [257, 32], 0, [["gru", 128], ["linear", 32, 1]], "next", "adam"),
        named("wav2vec", 8, [16000, 1], 0,
              [*HEARD, ["positions"], *[["block", 4]] * 4, ["layer_norm"], ["mean_pool"], ["linear", 10, 1]], "label", "adamw"),
        named("next-row-fashion", 256, [28, 28], 0, [["gru", 128], ["linear", 28, 1]], "next", "adamw"),
        named("gpt-glosses", 32, [65], 256,
              [["embed", 256, 128], ["positions"], *[["causal_block", 4]] * 4, ["layer_norm"], ["linear", 256, 0]], "next", "adamw"),
    )
}  # fmt: skip


def usual(name, batch, shape, layers, goal="label", kinds=0, labels=10):
    """A case of the list below, which ends with its head."""
    head = [["linear", labels, 1]] if goal == "label" else []
    return Case(name, "usual", batch, shape, kinds, layers + head, goal, "adam", labels)


def convs(*numbers):
    """Convolutions of channels, kernel, stride and groups, each with a ReLU."""
    return [layer for n in numbers for layer in (["conv", *n, 1], ["relu"])]


WIDER = [["conv", 40, 7, 1, 40, 1], ["layer_norm"], ["linear", 160, 1], ["gelu"], ["linear", 40, 1]]

# Shapes that people write and tables of peers do not have: few channels and classes, widths that fill no vector, batches of one.
USUAL = [
    usual("digits", 64, [28, 28, 1], [*convs([32, 3, 1, 1]), ["max_pool", 2], *convs([64, 3, 1, 1]), ["max_pool", 2],
                                      ["flatten"], ["linear", 128, 1], ["relu"]]),
    usual("lenet", 128, [32, 32, 3], [*convs([6, 5, 1, 1]), ["max_pool", 2], *convs([16, 5, 1, 1]), ["max_pool", 2],
                                      ["flatten"], ["linear", 120, 1], ["relu"], ["linear", 84, 1], ["relu"]]),
    usual("one-image", 1, [64, 64, 3], [*convs([16, 3, 2, 1], [32, 3, 2, 1], [64, 3, 2, 1]), ["mean_pool"]], labels=20),
    usual("thin", 8, [64, 64, 1], [*convs([8, 3, 1, 1], [8, 3, 1, 1], [4, 1, 1, 1], [3, 3, 1, 1]), ["mean_pool"]], labels=3),
    usual("points", 64, [64, 64, 3], [*convs([8, 1, 1, 1], [4, 1, 1, 1], [5, 1, 1, 1]), ["mean_pool"]], labels=5),
    usual("depthwise-7", 16, [28, 28, 3], [["conv", 40, 3, 2, 1, 1], *WIDER, *WIDER, ["layer_norm"], ["mean_pool"]]),
    usual("depthwise-few", 32, [64, 64, 3], [*convs([3, 5, 1, 3], [6, 3, 1, 3]), ["mean_pool"]], labels=3),
    usual("grouped", 32, [32, 32, 16], [*convs([32, 3, 1, 4], [64, 3, 2, 8]), ["mean_pool"]]),
    usual("group-norm", 32, [32, 32, 3], [["conv", 24, 3, 1, 1, 1], ["group_norm", 4], ["relu"],
                                          ["conv", 24, 3, 2, 1, 1], ["group_norm", 4], ["relu"], ["mean_pool"]]),
    usual("sound", 8, [8000, 1], [*convs([16, 10, 5, 1], [32, 3, 2, 1], [32, 3, 2, 1]), ["mean_pool"]]),
    usual("heart", 64, [500, 12], [["conv", 24, 7, 1, 1, 0], ["batch_norm"], ["relu"], ["max_pool", 2],
                                   ["conv", 48, 5, 1, 1, 0], ["batch_norm"], ["relu"], ["max_pool", 2], ["mean_pool"]], labels=5),
    usual("features-8", 4096, [8], [["linear", 64, 1], ["relu"], ["linear", 64, 1], ["relu"]], labels=3),
    usual("features-8-norm", 4096, [8], [["linear", 10, 1], ["layer_norm"], ["relu"]] * 2, labels=2),
    usual("three-columns", 10000, [3], [["linear", 32, 1], ["relu"], ["linear", 3, 1]], "same"),
    usual("one-row", 1, [100], [["linear", 300, 1], ["relu"], ["linear", 300, 1], ["relu"]]),
    usual("bag", 32, [50], [["embed", 30000, 100], ["mean_pool"]], kinds=30000, labels=20),
    usual("vocabulary", 8, [33], [["embed", 30000, 64], ["causal_block", 4], ["layer_norm"], ["linear", 30000, 1]],
          "next", kinds=30000),
    usual("page", 1, [1001], [["embed", 256, 96], ["positions"], ["causal_block", 8], ["layer_norm"], ["linear", 256, 0]],
          "next", kinds=256),
    usual("patches-197", 4, [197, 192], [["positions"], ["block", 3], ["layer_norm"], ["mean_pool"]]),
    usual("patches-50", 16, [50, 48], [["linear", 100, 1], ["positions"], ["block", 5], ["layer_norm"], ["mean_pool"]]),
    usual("patches-49", 32, [49, 48], [["linear", 64, 1], ["positions"], ["block", 8], ["layer_norm"], ["mean_pool"]]),
    usual("week", 128, [7, 30], [["linear", 32, 1], ["positions"], ["block", 4], ["layer_norm"], ["mean_pool"]], labels=4),
    usual("sentence", 1, [50, 300], [["block", 6], ["layer_norm"], ["mean_pool"]], labels=20),
    usual("gru-10", 32, [100, 3], [["gru", 10], ["mean_pool"]], labels=3),
    usual("gru-50", 32, [49, 30], [["gru", 50], ["mean_pool"]], labels=4),
    usual("gru-100", 1, [197, 8], [["gru", 100], ["mean_pool"]], labels=5),
    usual("lstm-100", 16, [50], [["embed", 5000, 100], ["lstm", 100], ["mean_pool"]], kinds=5000, labels=2),
]  # fmt: skip

# -- What a case is, in sslc and in words --------------------------------------------------------------------------

# name: the layer in sslc's language
LAYERS = {
    "conv": "conv({0}, {1}, stride={2}, groups={3}, bias={4})",
    "linear": "linear({0}, bias={1})",
    "block": "transformer_block({0})",
    "causal_block": "causal_block({0})",
    "embed": "token_embedding({0}, {1})",
    "positions": "learned_positions",
    "gru": "gru({0})",
    "lstm": "lstm({0})",
    "batch_norm": "batch_norm",
    "layer_norm": "layer_norm",
    "group_norm": "group_norm({0})",
    "mean_pool": "mean_pool",
    "max_pool": "max_pool({0})",
    "flatten": "flatten",
    "relu": "relu",
    "gelu": "gelu",
}

OPTIMIZERS = {
    "adam": "adam(lr=0.001)",
    "adamw": "adamw(lr=0.001, weight_decay=0.01)",
    "sgd": "sgd(lr=0.01, momentum=0.9)",
}


def model(case):
    """The model file."""
    layers = [LAYERS[kind].format(*numbers) for kind, *numbers in case.layers]
    data, seen = "npy('x.npy', test=0)", "x"
    if case.goal == "same":
        loss = "mse(net(x), x)"
    elif case.goal == "label":
        data, loss = "npy('x.npy', label='label.npy', test=0)", "cross_entropy(net(x), label)"
    else:
        places = case.shape[0]
        seen = f"slice(x, 1, 0, {places - 1})"
        measure = "cross_entropy" if case.kinds else "mse"
        loss = f"{measure}(net({seen}), slice(x, 1, 1, {places}))"
    return {
        "name": case.name,
        "about": f"Case of tools/bench/space.py: {words(case)}",
        "data": data,
        "net": layers,
        "loss": loss,
        "features": f"net({seen})",
        "optimizer": OPTIMIZERS[case.optimizer],
        "train": {"epochs": 1, "batch": case.batch},
    }


SHORT = {"batch_norm": "bn", "layer_norm": "ln", "mean_pool": "pool", "positions": "pos"}


def word(layer):
    """A layer in a word."""
    kind, *n = layer
    if kind == "conv":
        return f"c{n[0]}k{n[1]}" + (f"s{n[2]}" if n[2] > 1 else "") + (f"g{n[3]}" if n[3] > 1 else "")
    return SHORT.get(kind, kind) + (str(n[0]) if n else "")


def words(case):
    """A case in a line."""
    shape = "x".join(map(str, case.shape)) + (f" of {case.kinds}" if case.kinds else "")
    return f"{case.batch} x [{shape}]: {' '.join(map(word, case.layers))}, {case.optimizer}"


# -- What a case costs ---------------------------------------------------------------------------------------------


def cost(case):
    """Operations of the products of a step, forward and backward, and floats of all activations."""
    flops, floats = 0, 0
    shape = list(case.shape) if case.goal != "next" else [case.shape[0] - 1, *case.shape[1:]]
    for kind, *n in case.layers:
        before = shape
        if kind == "conv":
            shape = [(size - 1) // n[2] + 1 for size in before[:-1]] + [n[0]]
            flops += 2 * math.prod(shape) * n[1] ** (len(shape) - 1) * before[-1] // n[3]
        elif kind == "linear":
            shape = before[:-1] + [n[0]]
            flops += 2 * math.prod(shape) * before[-1]
        elif kind in ("gru", "lstm"):
            gates = 3 if kind == "gru" else 4
            shape = [before[0], n[0]]
            flops += 2 * before[0] * (before[1] + n[0]) * gates * n[0]
            floats += case.batch * before[0] * gates * n[0]
        elif kind in ("block", "causal_block"):
            places, width = before
            flops += 24 * places * width**2 + 4 * places**2 * width
            floats += case.batch * (14 * places * width + n[0] * places**2)
        elif kind == "embed":
            shape = before + [n[1]]
        elif kind == "mean_pool":
            shape = before[-1:]
        floats += case.batch * math.prod(shape)
    return 3 * case.batch * flops, floats + case.batch * math.prod(case.shape)


# -- Drawing -------------------------------------------------------------------------------------------------------


class Draw:
    """Numbers by a key; only random() is used, which is the same in all versions of Python."""

    def __init__(self, key):
        self.random = random.Random(key).random

    def of(self, items):
        return items[int(self.random() * len(items))]

    def between(self, low, high):
        """Whole numbers, evenly in their logarithm."""
        return min(high, int(math.exp(math.log(low) + self.random() * math.log((high + 1) / low))))

    def even(self, low, high):
        """As between, mostly rounded as people write them: to few binary digits."""
        n = self.between(low, high)
        if self.random() < 0.8:
            step = max(1, 2 ** (n.bit_length() - 2))
            n = min(high, max(low, n // step * step))
        return n


def convolution(d, axes):
    """Convolutions with or without norms, a pool and labels."""
    side = d.even(7, 128) if axes == 2 else d.even(16, 8192)
    channels = d.of([1, 3, 8, 32, 128]) if axes == 2 else d.of([1, 1, 8, 40, 80])
    shape, layers = [side] * axes + [channels], []
    normed = d.random() < 0.6
    for _ in range(d.of([1, 2, 2, 3])):
        kernel, stride = d.of([1, 3, 3, 3, 5, 7]), d.of([1, 1, 1, 2, 2, 4])
        if channels >= 8 and d.random() < 0.2:
            layers.append(["conv", channels, kernel, stride, channels, int(not normed)])
        else:
            channels = d.even(1 if d.random() < 0.1 else 8, 512)
            layers.append(["conv", channels, kernel, stride, 1, int(not normed)])
        layers += ([["batch_norm"]] if normed else []) + [[d.of(["relu", "relu", "gelu"])]]
    layers += [["mean_pool"], ["linear", 10, 1]]
    return shape, 0, layers, "label"


def depthwise(d, axes=2):
    """Depth-wise convolutions between those of one place, as in MobileNet and ConvNeXt."""
    side, channels = d.even(7, 128), d.even(8, 512)
    shape, layers = [side] * axes + [d.of([1, 3, 16])], [["conv", channels, 1, 1, 1, 0], ["batch_norm"], ["relu"]]
    for _ in range(d.of([1, 2])):
        layers += [["conv", channels, d.of([3, 5, 7]), d.of([1, 1, 2, 4]), channels, 0], ["batch_norm"], ["relu"]]
        channels = d.even(8, 512)
        layers += [["conv", channels, 1, 1, 1, 0], ["batch_norm"], ["relu"]]
    return shape, 0, layers + [["mean_pool"], ["linear", 10, 1]], "label"


def transformer(d):
    """Blocks over characters, over patches, or masked by nothing over numbers."""
    head = d.of([16, 32, 32, 64, 64])
    heads = max(1, round(d.between(64, 768) / head))
    width, context, depth = heads * head, d.even(16, 512), d.of([1, 1, 2, 3])
    if d.random() < 0.5:
        kinds = d.of([65, 256, 1000])
        body = [["causal_block", heads]] * depth
        layers = [["embed", kinds, width], ["positions"], *body, ["layer_norm"], ["linear", kinds, 0]]
        return [context + 1], kinds, layers, "next"
    body = [["block", heads]] * depth
    layers = [["linear", width, 1], ["positions"], *body, ["layer_norm"], ["mean_pool"], ["linear", 10, 1]]
    return [context, d.of([16, 48, 80, 192])], 0, layers, "label"


def perceptron(d):
    """Linear layers: an autoencoder, or with labels."""
    widths = [d.even(8, 4096) for _ in range(d.of([2, 3, 4, 5]))]
    norm, curve, layers = d.of(["", "", "batch_norm", "layer_norm"]), d.of(["relu", "relu", "gelu"]), []
    for width in widths[1:]:
        layers += [["linear", width, int(norm != "batch_norm")], *([[norm]] if norm else []), [curve]]
    if d.random() < 0.5:
        return widths[:1], 0, layers + [["linear", widths[0], 1]], "same"
    return widths[:1], 0, layers + [["linear", 10, 1]], "label"


def recurrent(d):
    """One or two layers through time that say the next place."""
    channels, units, steps = d.even(1, 128), d.even(16, 512), d.even(8, 512)
    kind = d.of(["gru", "lstm"])
    layers = [[kind, units]] * d.of([1, 1, 2])
    if d.random() < 0.3:
        kinds = d.of([65, 256])
        return [steps + 1], kinds, [["embed", kinds, channels], *layers, ["linear", kinds, 1]], "next"
    return [steps + 1, channels], 0, [*layers, ["linear", channels, 1]], "next"


# name: what draws it, the batches it is drawn with, and the optimizers
FAMILIES = {
    "conv2d": (lambda d: convolution(d, 2), (1, 512)),
    "transformer": (transformer, (1, 256)),
    "mlp": (perceptron, (1, 512)),
    "recurrent": (recurrent, (1, 256)),
    "conv1d": (lambda d: convolution(d, 1), (1, 512)),
    "depthwise": (depthwise, (1, 512)),
}
ORDER = ["conv2d", "transformer", "mlp", "recurrent", "conv2d", "conv1d", "transformer", "depthwise"]


def draw(seed, index):
    """The case of this number."""
    family = ORDER[index % len(ORDER)]
    d = Draw(f"sslc {seed} {index}")
    make, batches = FAMILIES[family]
    while True:
        shape, kinds, layers, goal = make(d)
        batch = d.even(*batches)
        normed = ["batch_norm"] in layers
        optimizer = d.of(["adam", "adamw", "sgd"])
        while batch >= (4 if normed else 1):
            case = Case(f"s{seed}-{index:02}-{family}", family, batch, shape, kinds, layers, goal, optimizer)
            flops, floats = cost(case)
            if flops <= FLOPS and floats <= FLOATS:
                return case
            batch //= 2


def cases(count, seed):
    """The first so many cases of a seed."""
    return [draw(seed, i) for i in range(count)]


def write(case, folder):
    """The model file, and the description for peers, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_text(json.dumps(model(case), indent=2) + "\n")
    (folder / "case.json").write_text(json.dumps(asdict(case)) + "\n")


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    for case in cases(count, seed):
        flops, floats = cost(case)
        print(f"{case.name}  {words(case)}  ({flops / 1e9:.3g} GFLOP, {floats / 1e6:.3g} M floats)")
        if len(sys.argv) > 3:
            write(case, pathlib.Path(sys.argv[3]) / case.name)


if __name__ == "__main__":
    main()
