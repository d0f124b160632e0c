"""A contender: a worker process with its own memory, pinned to the cores of the run, that answers a line with a line."""

import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).parent
SECONDS = 3600  # the longest answer, if nothing shorter is asked for: tinygrad's search for kernels


class Failed(Exception):
    """What the worker said of its end, or the lack of an answer."""


# The instructions of --avx2, whatever the machine has: sslc's CPU, and what holds the peers to them.
AVX2_CPU = "x86-64-v3"
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
}


def environment(peer, threads, avx2=False):
    """The variables that give a peer its threads, its fastest backend, and no work of an earlier run."""
    count = str(threads)
    variables = {
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "NUM_CPU_THREADS": count,  # tinygrad
        "CUDA_VISIBLE_DEVICES": "",
        "JAX_PLATFORMS": "cpu",
        "DEV": "CPU:LLVM",  # tinygrad
        "BEAM": "2" if peer == "tinygrad-beam" else "0",
        "CACHELEVEL": "0",  # tinygrad: no kernels from the disk
        "SSLC_CACHE": "off",
        "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1",
    }
    if avx2:
        variables |= AVX2
    if threads == 1:
        variables["XLA_FLAGS"] = f"{variables.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    return {**os.environ, **variables}


class Contender:
    """The process of one contender, for one model on some cores."""

    def __init__(self, name, model, cores, folder, sslc_worker, function="step", avx2=False):
        self.name = name
        self.patience = SECONDS  # for an answer
        self.least = False  # the shortest time is shown, not the median
        self.failure = None  # why it was not timed
        self.mark = None  # the same in a word or two
        self.times = []
        self.first = self.rss = None
        threads = len(cores)
        if name == "sslc":
            command = [sslc_worker, folder / "model.json", str(threads), function, *([AVX2_CPU] if avx2 else [])]
        else:
            command = [sys.executable, HERE / "peers" / "worker.py", name, model, str(threads), folder]
        self.log = open(folder / f"{name}.log", "w")
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=environment(name, threads, avx2),
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )

    def answer(self):
        """The worker's next line."""
        watch = threading.Timer(self.patience, self.process.kill)
        watch.start()
        began = time.monotonic()
        line = self.process.stdout.readline()
        watch.cancel()
        if not line and time.monotonic() - began >= self.patience:
            self.failure = f"no answer in {self.patience:g} s"
            raise Failed(self.failure)
        if line.startswith("error ") or not line:
            self.failure = line[6:].strip() or f"ended without an answer, see {self.log.name}"
            raise Failed(self.failure)
        return line.strip()

    def ask(self, line):
        """Sends a command and waits for its answer."""
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer says why
        return self.answer()

    def numbers(self, line):
        """The answer as numbers."""
        return [float(word) for word in self.ask(line).split()]

    def calibrate(self, least):
        """Steps that together take at least so many seconds, and the seconds that they take."""
        size = 1
        while True:
            seconds = self.numbers(f"steps 1 {size}")[0] * size
            if seconds >= least:
                return size, seconds
            size = max(2 * size, int(size * 0.5 * least / seconds))

    @property
    def typical(self):
        """The time of a step that is shown."""
        return min(self.times) if self.least else statistics.median(self.times)

    @property
    def is_noisy(self):
        """True if the middle half of the times spreads over more than a tenth of the median."""
        if len(self.times) < 4:
            return True
        low, _, high = statistics.quantiles(self.times, n=4)
        return high - low > 0.1 * statistics.median(self.times)

    def close(self):
        """Ends the process, kindly if it still listens."""
        try:
            self.process.stdin.write("quit\n")
            self.process.stdin.close()
            self.process.wait(60)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.log.close()
