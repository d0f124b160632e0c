#!/usr/bin/env python3
"""Exports every shipped model, and those of this folder, as ONNX and compares ONNX Runtime's features with `sslc features`.

Each model is trained for a few steps on made-up images or vectors, so that statistics and weights are not those of the
beginning. onnx.checker must accept each file; at batches of 1, 3, the model's and all samples, ONNX Runtime's features must
differ from sslc's by at most 1e-5 of the largest of their row. Not part of the tests: PyPI's onnxruntime is not in Debian.

usage: python3 check.py PATH/TO/sslc [--keep FOLDER] [MODEL.json ...]      (pip install numpy onnx onnxruntime)
"""
import argparse, json, pathlib, subprocess, sys, tempfile
import numpy, onnx, onnxruntime

ROOT = pathlib.Path(__file__).resolve().parents[3]
SAMPLES = 520


def make_data(text, folder):
    """What stands for the data of a model file: the same type and shape of a sample."""
    random = numpy.random.default_rng(0)
    if "tokens" in text:
        x = random.integers(0, 20, (SAMPLES, 9)).astype(numpy.int32)
    elif text.startswith("normal("):
        width = int(text.split("(")[1].split(",")[1])
        x = random.normal(size=(SAMPLES, width)).astype(numpy.float32)
    else:
        coarse = random.integers(0, 256, (SAMPLES, 7, 7)).astype(float)
        x = numpy.kron(coarse, numpy.ones((4, 4))).astype(numpy.uint8)
    numpy.save(folder / "x.npy", x)
    numpy.save(folder / "label.npy", (numpy.arange(SAMPLES) % 10).astype(numpy.int32))
    return x, "npy('x.npy', label='label.npy', test=0)"


def run(*words):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def check(sslc, path, folder):
    model = json.loads(path.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    x, model["data"] = make_data(model["data"], folder)
    model.pop("downstream", None)
    copy, out = folder / "model.json", folder / "run"
    copy.write_text(json.dumps(model))
    if not (out / "checkpoint.safetensors").exists():
        run(sslc, "run", copy, "--steps", 3, "--no-downstream", "--quiet", "--out", out)
    weights = out / "checkpoint.safetensors"
    run(sslc, "features", copy, "--split", "train", "--checkpoint", weights, "--out", folder / "features.npy")
    run(sslc, "export", copy, "--weights", weights, "--out", folder / "model.onnx")
    file = onnx.load(folder / "model.onnx")
    onnx.checker.check_model(file, full_check=True)
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    truth = numpy.load(folder / "features.npy")
    scale = abs(truth).reshape(len(truth), -1).max(1) + 1e-30
    worst = 0
    for batch in (1, 3, min(SAMPLES, model["train"].get("batch", 256)), SAMPLES):
        for first in (0, SAMPLES - batch):
            y, = session.run(None, {"x": x[first:first + batch]})
            assert y.shape == truth[first:first + batch].shape and y.dtype == numpy.float32, (y.shape, truth.shape)
            wrong = abs(y - truth[first:first + batch]).reshape(batch, -1).max(1) / scale[first:first + batch]
            worst = max(worst, wrong.max())
    kinds = {}
    for node in file.graph.node:
        kinds[node.op_type] = kinds.get(node.op_type, 0) + 1
    print(f"{path.stem:24} {worst:9.2e}  {len(file.graph.node):4} nodes:", *(f"{k} {n}" for k, n in sorted(kinds.items())))
    return worst


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("sslc", type=pathlib.Path)
    arguments.add_argument("--keep", type=pathlib.Path)
    arguments.add_argument("models", nargs="*", type=pathlib.Path)
    a = arguments.parse_intermixed_args()
    shipped = [p for p in (ROOT / "models").rglob("*.json") if p.parent.name != "lib"]
    models = a.models or sorted(shipped) + sorted(pathlib.Path(__file__).parent.glob("*.json"))
    with tempfile.TemporaryDirectory() as temp:
        folder = a.keep or pathlib.Path(temp)
        worst = {path.stem: check(a.sslc.resolve(), path, folder / path.stem) for path in models}
    bad = [name for name, value in worst.items() if not value <= 1e-5]
    print(f"{len(worst)} models, worst {max(worst.values()):.2e}" + (f"; above 1e-5: {' '.join(bad)}" if bad else ""))
    sys.exit(bool(bad))


main()
