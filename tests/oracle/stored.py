"""What the make.py of text, speech, vision and recurrent share: a truth.safetensors of cases. Of a case NAME it holds
NAME/in/X, an input X or a weight X ("." is written "__" in Python), NAME/want, and of a loss NAME/grad/X. Integers are
i32, all else f64.
"""

import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file


def array(x):
    x = np.asarray(x.detach() if isinstance(x, torch.Tensor) else x)
    return np.ascontiguousarray(x.astype(np.int32 if x.dtype.kind in "iub" else np.float64))


class Stored:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.truth = {}

    def normal(self, *shape):
        return torch.from_numpy(self.rng.standard_normal(shape)).double()

    def put(self, name, want, **inputs):
        self.truth[f"{name}/want"] = array(want)
        for key, value in inputs.items():
            self.truth[f"{name}/in/{key.replace('__', '.')}"] = array(value)

    def put_loss(self, name, loss, fixed=None, beside=None, **inputs):
        """Stores loss(**inputs, **fixed) and its gradients by the inputs that are floats; `beside` are stored alone."""
        leaves = {k: v.clone().requires_grad_() if v.is_floating_point() else v for k, v in inputs.items()}
        want = loss(**leaves, **(fixed or {}))
        want.backward()
        self.put(name, want, **inputs, **(fixed or {}), **(beside or {}))
        for key, leaf in leaves.items():
            if leaf.requires_grad:
                grad = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
                self.truth[f"{name}/grad/{key.replace('__', '.')}"] = array(grad)

    def save(self, beside):
        save_file(self.truth, pathlib.Path(beside).parent / "truth.safetensors")
