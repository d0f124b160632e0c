"""Times transforms of images one by one, and a chain of them as a model has it: sslc's, compiled into a function, beside
torchvision's v2. See README.md; run by bench.sh --transforms.

sslc transforms a batch, torchvision its images one at a time: each image has choices of its own in both."""

import json
import os
import pathlib
import tempfile

import numpy as np

import report
from contender import Contender, Failed

BATCH = 256
SIDES = [32, 96]
# What comes out of the first two is bytes, or a picture; of the others floats, as a network takes and sslc gives them.
BYTES = ["torchvision", "torchvision-pil"]
FLOATS = ["torchvision-float", "torchvision-pil-float"]

# In the numbers of peers/torchvision_transforms.py.
TRANSFORMS = {
    "crop": "random_resized_crop(x, 0.2)",
    "flip": "random_flip(x)",
    "jitter": "color_jitter(x, 0.4, 0.4, 0.4, 0.1)",
    "blur": "random_blur(x, 0.1, 2, 3)",
    "rotation": "random_rotation(x, 15)",
    "chain": "color_jitter(random_flip(random_resized_crop(x, 0.2)), 0.4, 0.4, 0.4, 0.1)",
}


def prepare(kind, side, folder):
    """Images of bytes, and a model whose features are the transform; its loss is never computed."""
    images = np.random.default_rng(0).integers(0, 256, (2 * BATCH, side, side, 3), np.uint8)
    np.save(folder / "x.npy", images)
    model = {
        "name": f"{kind}-{side}",
        "data": "npy('x.npy', test=0)",
        "encoder": ["mean_pool", "linear(1)"],
        "loss": "mean(encoder(x))",
        "features": TRANSFORMS[kind],
        "train": {"epochs": 1, "batch": BATCH},
    }
    (folder / "model.json").write_text(json.dumps(model, indent=2) + "\n")


def run(kind, side, row, options, time_all):
    """Fills a row of the table."""
    cores = sorted(os.sched_getaffinity(0))[: row.threads]
    with tempfile.TemporaryDirectory(prefix="sslc-bench-") as temporary:
        folder = pathlib.Path(temporary)
        prepare(kind, side, folder)
        try:
            for name in ["sslc", *BYTES, *FLOATS]:
                c = Contender(name, row.model, cores, folder, options.worker, "features", options.avx2)
                c.least, c.patience = options.least, options.patience
                row.contenders.append(c)
                c.answer()  # ready
            time_all(row.contenders, options.seconds, options.cpu)
        except Failed as failed:
            row.about = str(failed)
        finally:
            for c in row.contenders:
                c.close()
    return row


def table(rows):
    """Samples a second."""

    def rate(c):
        return f"{BATCH / c.typical:.3g}" if c.times else report.mark(c)

    def lead(names):
        def of(row):
            times = {c.name: c.typical for c in row.contenders if c.times}
            peers = [times[name] for name in names if name in times]
            return f"{min(peers) / times['sslc']:.1f}" if peers and "sslc" in times else ""

        return of

    head = f"Images a second, {report.shown(rows)} time of a batch of {BATCH}, of colour, with this side:"
    errors = [f"- {row.model}: {row.about}" for row in rows if row.about]
    leads = [("sslc / best of bytes", lead(BYTES)), ("of floats", lead(FLOATS))]
    return "\n\n".join([head, report.table(rows, ["sslc", *BYTES, *FLOATS], rate, *leads), *errors])
