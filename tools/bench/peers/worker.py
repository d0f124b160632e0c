"""A contender of the benchmark: one model in PyTorch, JAX or tinygrad, taking steps on demand.

    python worker.py PEER MODEL THREADS FOLDER

FOLDER holds model.json, x.npy, perhaps label.npy, checkpoint.safetensors with the first weights if there are any, and of a
case of ../space.py case.json, which its model is made of. The lines that are answered are those of ../worker.c. A peer's
module has

    MODELS                            a function per model
    start(name, weights, options)     -> step(batch), which takes a step and returns the loss, perhaps before it is done
    batch(arrays)                     -> what step takes
    value(loss)                       -> float, once the step is done
"""

import functools
import importlib
import json
import math
import pathlib
import sys
import time

import numpy as np
from safetensors.numpy import load_file

# name: module, options
PEERS = {
    "torch": ("torch_models", {}),
    "torch.compile": ("torch_models", {"compiled": True}),
    "jax": ("jax_models", {}),
    "tinygrad": ("tinygrad_models", {}),
    "tinygrad-beam": ("tinygrad_models", {}),
    "torchvision": ("torchvision_transforms", {}),
    "torchvision-pil": ("torchvision_transforms", {"pil": True}),
    "torchvision-float": ("torchvision_transforms", {"floats": True}),
    "torchvision-pil-float": ("torchvision_transforms", {"pil": True, "floats": True}),
}

# module: the one that makes its models of cases
SPACES = {"torch_models": "torch_space", "jax_models": "jax_space"}


class Worker:
    """The model after `done` steps; batches are taken in turn."""

    def __init__(self, peer, model, threads, folder):
        name, options = PEERS[peer]
        self.peer = importlib.import_module(name)
        batch = functools.partial(self.peer.batch, pil=True) if "pil" in options else self.peer.batch
        if (folder / "case.json").exists():
            case, space = json.loads((folder / "case.json").read_text()), importlib.import_module(SPACES[name])
            options = {**options, "build": functools.partial(space.build, case)}
            batch = functools.partial(space.batch, case)
        size = json.loads((folder / "model.json").read_text())["train"]["batch"]
        fields = [np.load(path) for path in (folder / "x.npy", folder / "label.npy") if path.exists()]
        count = len(fields[0]) // size
        self.batches = [batch([f[i * size : (i + 1) * size] for f in fields]) for i in range(count)]
        checkpoint = folder / "checkpoint.safetensors"
        weights = load_file(checkpoint) if checkpoint.exists() else {}
        weights = {key: value for key, value in weights.items() if not key.startswith("optimizer.")}
        self.done = 0
        self.now = time.perf_counter  # what times steps
        start = time.perf_counter()
        self.step = self.peer.start(model, weights, {"threads": threads, **options})
        self.first = time.perf_counter() - start

    def take(self):
        """One step."""
        self.done += 1
        return self.step(self.batches[(self.done - 1) % len(self.batches)])

    def losses(self, count):
        """Takes steps, each to its end."""
        start = time.perf_counter()
        losses = []
        for _ in range(count):
            losses.append(self.peer.value(self.take()))
            if self.done == 1:
                self.first += time.perf_counter() - start
        return " ".join(f"{loss:.9g}" for loss in losses)

    def steps(self, groups, size):
        """Times of a step, by groups: the end of a group waits for all of it."""
        times = []
        for _ in range(groups):
            start = self.now()
            for _ in range(size):
                loss = self.take()
            if not math.isfinite(self.peer.value(loss)):
                raise ArithmeticError("the loss is no finite number")
            times.append((self.now() - start) / size)
        return " ".join(f"{t:.9g}" for t in times)


def rss():
    """The most memory that was ever in use, in bytes."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def answer(worker, words):
    """The answer to a line."""
    if words[0] == "losses":
        return worker.losses(int(words[1]))
    if words[0] == "steps":
        return worker.steps(int(words[1]), int(words[2]))
    if words == ["clock", "cpu"]:
        worker.now = time.process_time
        return "clock"
    if words[0] == "first":
        return f"{worker.first:.9g}"
    if words[0] == "rss":
        return rss()
    raise ValueError(f"unknown command {words[0]}")


def main():
    peer, model, threads, folder = sys.argv[1:]
    out = sys.stdout
    sys.stdout = sys.stderr  # what the libraries print is no answer
    try:
        worker = Worker(peer, model, int(threads), pathlib.Path(folder))
        print("ready", file=out, flush=True)
        for line in sys.stdin:
            if line.strip() == "quit":
                break
            print(answer(worker, line.split()), file=out, flush=True)
    except Exception as error:  # whatever a library throws is this contender's result
        text = f"{type(error).__name__}: {error}".splitlines()[0]
        print("error", text, file=out, flush=True)
        raise


if __name__ == "__main__":
    main()
