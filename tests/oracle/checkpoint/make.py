"""Small safetensors files by the format's own library: what tests/unit/test_checkpoint.c reads.

all_types.safetensors  every type that sslc reads, an empty tensor, a scalar, names and metadata beyond ASCII
plain.safetensors      one tensor, no metadata
bare.safetensors       no tensors
half.safetensors       float16, which no model of sslc has

python3 make.py   (PyTorch 2, safetensors)
"""

import pathlib

import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent


def main():
    tensors = {
        "single": torch.tensor([[1.5, -2.25, 0.0], [3.0e38, 1.0e-45, float("inf")]], dtype=torch.float32),
        "double": torch.tensor([0.1, -1e300, 2.0**-1074], dtype=torch.float64),
        "whole": torch.tensor([[-(2**31)], [2**31 - 1]], dtype=torch.int32),
        "bytes": torch.tensor([0, 1, 127, 128, 255], dtype=torch.uint8),
        "flags": torch.tensor([True, False, True], dtype=torch.bool),
        "brain": torch.tensor([1.0, -2.5, 0.0, 3.140625], dtype=torch.bfloat16),
        "empty": torch.zeros((0, 3), dtype=torch.float32),
        "scalar": torch.tensor(7.75, dtype=torch.float32),
        "größe.重み": torch.tensor([-0.5], dtype=torch.float32),
    }
    save_file(tensors, HERE / "all_types.safetensors", metadata={"made by": "torch", "Straße": '☃ "quoted" \\ \n'})
    save_file({"w": torch.tensor([2.5, -1.0])}, HERE / "plain.safetensors")
    save_file({}, HERE / "bare.safetensors")
    save_file({"h": torch.tensor([1.0], dtype=torch.float16)}, HERE / "half.safetensors")


if __name__ == "__main__":
    main()
