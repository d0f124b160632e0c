"""What PyTorch makes of one infinite weight of a convolution, for models/README.md: a map of the gradient by the image
and of the result, i for infinity, n for NaN, "." for numbers; with oneDNN and without. python3 infinite.py
"""

import torch
from torch.nn.functional import conv2d

SIZE = 7


def drawn(x):
    return " ".join("".join("n" if torch.isnan(v) else "i" if torch.isinf(v) else "." for v in row) for row in x)


print("PyTorch", torch.__version__)
for onednn in (True, False):
    for channels, kernel, groups, stride in ((1, 3, 1, 1), (32, 3, 1, 1), (32, 3, 32, 1), (16, 5, 1, 1), (16, 3, 1, 2), (3, 7, 1, 2)):
        torch.manual_seed(0)
        with torch.backends.mkldnn.flags(enabled=onednn):
            x = torch.randn(2, channels, SIZE, SIZE, requires_grad=True)
            w = torch.randn(32, channels // groups, kernel, kernel)
            w[0, 0, 0, 0] = float("inf")
            y = conv2d(x, w, padding=kernel // 2, groups=groups, stride=stride)
            y.backward(torch.ones_like(y))
        print("oneDNN" if onednn else "native", f"{kernel} x {kernel}, {channels} channels in {groups} groups, stride {stride}")
        print("  by the image:", drawn(x.grad[0, 0]))
        print("  the result:  ", drawn(y[0, 0].detach()))
