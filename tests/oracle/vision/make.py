"""The truth of tests/oracle/vision/cases.def: PyTorch, torchvision and PIL for what methods of vision are made of, in the
form of ../prelude/make.py. For a loss also its gradients (NAME/grad/x).

python3 make.py   (PyTorch, torchvision, safetensors; made with 1.13 and 0.14)
"""

import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
rng = np.random.default_rng(11)
truth = {}


def normal(*shape):
    return torch.from_numpy(rng.standard_normal(shape)).double()


def array(x):
    x = np.asarray(x.detach() if isinstance(x, torch.Tensor) else x)
    return np.ascontiguousarray(x.astype(np.int32 if x.dtype.kind in "iu" else np.float64))


def put(name, want, **inputs):
    truth[f"{name}/want"] = array(want)
    for key, value in inputs.items():
        truth[f"{name}/in/{key.replace('__', '.')}"] = array(value)


def put_loss(name, loss, **inputs):
    """Stores loss(**inputs) and its gradients by the inputs that are floats."""
    leaves = {k: v.clone().requires_grad_() if v.is_floating_point() else v for k, v in inputs.items()}
    want = loss(**leaves)
    want.backward()
    put(name, want, **inputs)
    for key, leaf in leaves.items():
        if leaf.requires_grad:
            grad = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
            truth[f"{name}/grad/{key.replace('__', '.')}"] = array(grad)


def arrays():
    x = normal(3, 4, 7)
    x[0, 0, 2] = x[0, 0, 5]  # ties keep their order
    x[1, 1] = 1
    put("cumsum", x.cumsum(-1), x=x)
    put("cumsum_1", x.cumsum(1), x=x)
    put("cumsum_0", x.cumsum(0), x=x)
    put("sort", x.sort(-1).values, x=x)
    put("argsort", x.sort(dim=-1, stable=True).indices, x=x)
    put("ranks", x.sort(dim=-1, stable=True).indices.argsort(-1), x=x)
    put("top_k", (-x).sort(dim=-1, stable=True).indices[..., :3], x=x)
    line = torch.tensor([0.0, np.inf, -np.inf, np.nan, -0.0, 1.0, np.nan]).double()
    put("argsort_special", np.argsort(line.numpy(), kind="stable"), x=line)
    at = torch.tensor(rng.integers(0, 7, (3, 4, 5)))
    put("take_along", x.gather(-1, at), x=x, at=at)
    rows = torch.tensor(rng.integers(0, 4, (3, 6)))
    put("take_rows", x.gather(1, rows[..., None].expand(3, 6, 7)), x=x, at=rows)
    put_loss("take_rows_loss", lambda x, at: (x.gather(1, at[..., None].expand(3, 6, 7)) ** 2).sum(), x=x, at=rows)
    put_loss("sort_loss", lambda x: (x.sort(-1).values.cumsum(-1) ** 2).sum(), x=x)


if __name__ == "__main__":
    for make in (arrays,):
        make()
    save_file(truth, HERE / "truth.safetensors")
