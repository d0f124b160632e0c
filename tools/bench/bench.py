"""Times a training step of the same models in sslc, PyTorch, JAX and tinygrad. See README.md; run by bench.sh.

First all contenders take the same steps from the same weights, and those whose losses are not sslc's are not timed.
Then they take turns in short rounds, in an order that rotates, so that a slow moment of the machine falls on all."""

import argparse
import importlib.metadata
import math
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

import report
from contender import Contender, Failed
from problems import PROBLEMS, prepare

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = ["torch", "torch.compile", "jax", "tinygrad", "tinygrad-beam"]
STEPS = 10  # whose losses must agree
ROUND = 0.5  # seconds
GROUP = 0.02  # seconds between two readings of the clock, at least
PAUSE = 0.05  # seconds in which the threads of the last contender go to sleep


@dataclass
class Row:
    """A model on a number of threads."""

    model: str
    threads: int
    contenders: list = field(default_factory=list)


def say(text):
    print(text, file=sys.stderr, flush=True)


def agree(losses, truth, tolerance):
    """None, or the first step whose loss is not near enough."""
    for i, (a, b) in enumerate(zip(losses, truth, strict=True)):
        if not math.isfinite(a) or abs(a - b) > tolerance * abs(b):
            return f"loss of step {i + 1} is {a:.9g}, sslc's {b:.9g}"
    return None


def begin(row, name, cores, folder, problem, options, truth):
    """Starts a contender and compares its first losses; returns sslc's or its own."""
    c = Contender(name, row.model, cores, folder, options.worker)
    row.contenders.append(c)
    try:
        c.mark = "not compiled" if name == "sslc" else "failed"
        c.answer()  # ready
        c.mark = "failed"
        if name == "sslc":
            c.ask(f"save {folder}")
        losses = c.numbers(f"losses {STEPS}")
        c.first = c.numbers("first")[0]
    except Failed as failed:
        say(f"{row.model} {name}: {failed}")
        return None
    error = agree(losses, truth or losses, problem.tolerance)
    if error:
        c.failure, c.mark = error, "DISAGREES"
    say(f"{row.model} {name}: first loss after {c.first:.2f} s, {error or 'losses agree'}")
    return losses


def time_all(contenders, seconds):
    """Rounds of all contenders in turn; the order rotates."""
    plans = {}
    for c in contenders:
        plans[c] = c.calibrate(GROUP)
    for r in range(max(1, round(seconds / ROUND))):
        turn = r % len(contenders)
        for c in contenders[turn:] + contenders[:turn]:
            size, group = plans[c]
            time.sleep(PAUSE)
            c.times += c.numbers(f"steps {max(1, round(ROUND / group))} {size}")
    for c in contenders:
        c.rss = c.numbers("rss")[0]


def run(model, threads, options):
    """A row of the tables."""
    row = Row(model, threads)
    cores = sorted(os.sched_getaffinity(0))[:threads]
    with tempfile.TemporaryDirectory(prefix="sslc-bench-") as temporary:
        folder = pathlib.Path(temporary)
        problem = prepare(model, folder)
        try:
            truth = begin(row, "sslc", cores, folder, problem, options, None)
            for name in options.peers if truth else []:
                begin(row, name, cores, folder, problem, options, truth)
            able = [c for c in row.contenders if not c.failure]
            if able:
                time_all(able, options.seconds)
        except Failed as failed:
            say(f"{model}: {failed}")
        finally:
            for c in row.contenders:
                c.close()
    return row


def versions(peers):
    """The machine and what ran on it, in a line."""
    model = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    packages = [p for p in ("torch", "jax", "tinygrad") if any(name.startswith(p) for name in peers)]
    parts = [f"{model[0] if model else platform.machine()}, {len(os.sched_getaffinity(0))} cores"]
    parts.append(f"sslc {commit.stdout.strip() or '?'}")
    parts += [f"{p} {importlib.metadata.version(p)}" for p in packages]
    return ", ".join(parts)


def parse():
    """The command line."""
    p = argparse.ArgumentParser(prog="bench.sh", description="Times a training step in sslc and its peers.")
    comma = lambda text: [word for word in text.split(",") if word]  # noqa: E731
    p.add_argument("--models", type=comma, default=list(PROBLEMS), help=f"of {','.join(PROBLEMS)}")
    p.add_argument("--peers", type=comma, default=PEERS[:4], help=f"of {','.join(PEERS)}; default: all but the last")
    p.add_argument("--threads", type=comma, default=["1"], help="counts of threads, default 1")
    p.add_argument("--seconds", type=float, default=5, help="of timing for each contender, default 5")
    p.add_argument("--svg", help="also write a bar chart to this file")
    p.add_argument("--worker", default=ROOT / "build/release/sslc_bench_worker", help="the built sslc_bench_worker")
    o = p.parse_args()
    o.threads = [int(count) for count in o.threads]
    for given, known in ((o.models, PROBLEMS), (o.peers, PEERS)):
        for name in given:
            if name not in known:
                p.error(f"unknown '{name}', known: {', '.join(known)}")
    cores = len(os.sched_getaffinity(0))
    if min(o.threads) < 1 or max(o.threads) > cores:
        p.error(f"--threads: from 1 to {cores}, the cores that this process may use")
    return o


def main():
    options = parse()
    rows = [run(model, threads, options) for model in options.models for threads in options.threads]
    names = ["sslc", *options.peers]
    title = versions(options.peers)
    print(f"{title}\n\n{report.markdown(rows, names)}")
    if options.svg:
        pathlib.Path(options.svg).write_text(report.svg(rows, names, title))
    return any(c.failure for row in rows for c in row.contenders)


if __name__ == "__main__":
    sys.exit(main())
