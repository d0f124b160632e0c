"""What is trained: for every model its file, the arrays of its data, and how near the losses must be.

Tolerances are relative, over the first steps from the same weights: the contenders add in other orders, and training
amplifies the differences."""

import json
import pathlib
from dataclasses import dataclass

import numpy as np

import space

HERE = pathlib.Path(__file__).parent
BATCHES = 10


@dataclass(frozen=True)
class Problem:
    """A model file and a function of a random generator and the number of samples, which makes its arrays."""

    path: pathlib.Path
    arrays: object
    about: str
    tolerance: float = 1e-3
    batches: int = BATCHES


def uniform(*shape):
    """Arrays of x in [0, 1)."""
    return lambda r, n: {"x": r.random((n, *shape), dtype=np.float32)}


def normal(*shape):
    """Arrays of x around 0."""
    return lambda r, n: {"x": r.standard_normal((n, *shape), dtype=np.float32)}


def text(r, n):
    """Lines of 65 characters of 65 kinds, each near the one before."""
    steps = r.integers(-3, 4, (n, 65))
    return {"x": (np.cumsum(steps, 1) % 65).astype(np.int32)}


def patches(r, n):
    """Images of 32 x 32 x 3, and for each the order in which its 64 patches are drawn."""
    order = np.argsort(r.random((n, 64)), 1) / 64
    return {"x": np.concatenate([r.random((n, 3072)), order], 1).astype(np.float32)}


def labelled(*shape):
    """Images with one of 10 labels."""
    return lambda r, n: {"x": r.random((n, *shape), dtype=np.float32), "label": r.integers(0, 10, n, np.int32)}


PROBLEMS = {
    "seed": Problem(HERE / "../../models/autoencoder.json", normal(20), "autoencoder 20-10-20, full batch of 100, Adam",
                    batches=1),
    "mlp": Problem(HERE / "models/mlp.json", uniform(784), "autoencoder 784-512-128-512-784, batch 256, Adam"),
    "conv": Problem(HERE / "models/conv.json", labelled(32, 32, 3), "ResNet-18 of 32 channels, batch 64, SGD with momentum"),
    "vit": Problem(HERE / "models/vit.json", patches, "masked autoencoder of width 192, 6 blocks and 1, batch 64, AdamW"),
    "gpt": Problem(HERE / "models/gpt.json", text, "4 causal blocks of width 128, 64 characters, batch 12, AdamW"),
    "audio": Problem(HERE / "models/audio.json", normal(16000), "4 convolutions over 1 s at 16 kHz, batch 16, Adam"),
}  # fmt: skip


def of_case(case):
    """The arrays of a case of space.py, as a function like those above."""

    def arrays(r, n):
        shape = (n, *case.shape)
        x = r.integers(0, case.kinds, shape, np.int32) if case.kinds else r.standard_normal(shape, dtype=np.float32)
        return {"x": x, "label": r.integers(0, case.labels, n, np.int32)} if case.goal == "label" else {"x": x}

    return arrays


def save(arrays, folder):
    for field, array in arrays.items():
        np.save(folder / f"{field}.npy", array)


def prepare(name, folder):
    """Writes a model and its data into a folder, where all contenders find them; a name, or a case of space.py."""
    if isinstance(name, space.Case):
        space.write(name, folder)
        save(of_case(name)(np.random.default_rng(0), name.batch * name.batches), folder)
        return Problem(folder / "model.json", None, space.words(name))
    problem = PROBLEMS[name]
    model = json.loads(problem.path.read_text())
    arrays = problem.arrays(np.random.default_rng(0), model["train"]["batch"] * problem.batches)
    save(arrays, folder)
    model["data"] = "npy('x.npy'" + (", label='label.npy'" if "label" in arrays else "") + ", test=0)"
    (folder / "model.json").write_text(json.dumps(model, indent=2) + "\n")
    return problem
