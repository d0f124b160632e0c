"""The truth of cases.def beside this file: PyTorch's convolutions of images that are smaller than the kernel, and its convolutions
and pools of volumes, in the form of ../vision/make.py: values, and gradients by the image.

python3 make.py   (PyTorch, safetensors; made with 2.15)
"""

import pathlib
import sys

import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from stored import Stored

stored = Stored(23)


def convolve(name, size, kernel, stride=1, padding=None, groups=1, flat=False):
    channels, out = 2 * groups, 3 * groups
    space = [size] if flat else [size, size + 1]
    ends = [1] if flat else [1, 2]
    x = stored.normal(2, *space, channels).requires_grad_()
    w = stored.normal(*[kernel] * len(space), channels // groups, out)
    there = (w.permute(2, 1, 0) if flat else w.permute(3, 2, 0, 1)).contiguous()
    padding = (kernel - 1) // 2 if padding is None else padding
    image = x.movedim(-1, 1)
    y = (F.conv1d if flat else F.conv2d)(image, there, None, stride, padding, 1, groups).movedim(1, -1)
    (dx,) = torch.autograd.grad((y**2).sum(), x)
    stored.put(name, y, x=x, conv__w=w)
    stored.put(f"{name}_dx", dx, x=x, conv__w=w)
    assert y.shape[ends[-1]] > 0


convolve("wide", 2, 7)
convolve("wide_stride", 3, 9, stride=2)
convolve("wide_padded", 2, 5, padding=4)
convolve("wide_even", 2, 6, padding=3)
convolve("wide_groups", 2, 7, groups=4)
convolve("wide_line", 3, 11, flat=True)
convolve("wide_line_stride", 4, 9, stride=3, flat=True)
convolve("one", 1, 3)


def volume(name, make, shape=(5, 7, 6, 3), **weights):
    """`make` has channels first."""
    x = stored.normal(2, *shape).requires_grad_()
    y = make(x.movedim(-1, 1), **weights).movedim(1, -1)
    (dx,) = torch.autograd.grad((y**2).sum(), x)
    own = {f"conv__{key}": w.movedim((0, 1), (-1, -2)) if w.dim() > 1 else w for key, w in weights.items()}
    stored.put(name, y, x=x, **own)
    stored.put(f"{name}_dx", dx, x=x, **own)


volume("volume", lambda x, w, b: F.conv3d(x, w, b, 1, 1), w=stored.normal(4, 3, 3, 3, 3), b=stored.normal(4))
volume("volume_stride", lambda x, w: F.conv3d(x, w, None, 2, 1), w=stored.normal(2, 3, 4, 4, 4))
volume("volume_wide", lambda x, w: F.conv3d(x, w, None, 1, 3), (3, 3, 2, 2), w=stored.normal(2, 2, 7, 7, 7))
volume("volume_max", lambda x: F.max_pool3d(x, 2))
volume("volume_mean", lambda x: F.avg_pool3d(x, 3, 2))
stored.save(__file__)
