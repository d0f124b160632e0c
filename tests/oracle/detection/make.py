"""The truth of cases.def beside this file, in the form of ../vision/make.py.

python3 make.py   (NumPy, safetensors; made with 2.4)
"""

import pathlib

import numpy as np
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
truth = {}


def array(x):
    return np.ascontiguousarray(np.asarray(x).astype(np.int32 if np.asarray(x).dtype.kind in "iub" else np.float64))


def put(name, want, **inputs):
    truth[f"{name}/want"] = array(want)
    for key, value in inputs.items():
        truth[f"{name}/in/{key}"] = array(value)


def order():
    """Sorting by a network, and numbers that no seed changes (lowbias32 of Wellons 2018, twice)."""
    own = np.random.default_rng(32)
    x = own.standard_normal((3, 1100))
    x[:, ::3] = x[:, ::3].round(1)  # ties
    x[0, [5, 9, 700]] = np.nan
    x[1, [2, 3, 1099]] = np.inf, np.nan, -np.inf
    put("argsort_long", x.argsort(-1, kind="stable"), x=x)
    put("argsort_network", x[:, :37].argsort(-1, kind="stable"), x=x[:, :37])
    whole = own.integers(-5, 5, (2, 64)).astype(np.int32)
    put("argsort_whole", whole.argsort(-1, kind="stable"), x=whole)

    def mixed(v):
        v = v.astype(np.uint32)
        v = (v ^ (v >> np.uint32(16))) * np.uint32(0x7FEB352D)
        v = (v ^ (v >> np.uint32(15))) * np.uint32(0x846CA68B)
        return v ^ (v >> np.uint32(16))

    bits = mixed(mixed(np.arange(24).reshape(4, 3, 2)) + np.uint32(1))
    put("fixed_uniform", ((bits >> np.uint32(9)) + 0.5) * 2.0**-23, x=np.zeros((4, 3, 2)))


if __name__ == "__main__":
    order()
    save_file(truth, HERE / "truth.safetensors")
