"""The truth of cases.def beside this file: scikit-image's colours, and in NumPy what the papers' own code does, in the form
of ../vision/make.py. Of what is drawn at random: the mean of many draws, or of all that may be.

python3 make.py   (NumPy, PyTorch, scikit-image, safetensors; made with 2.4, 0.26)
"""

import itertools
import math
import pathlib
import random
import sys

import numpy as np
from skimage.color import rgb2lab

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from stored import Stored

stored = Stored(17)
rng, put = stored.rng, stored.put


def colours():
    x = rng.random((2, 3, 4, 3))
    x[0, 0, 0], x[0, 0, 1], x[0, 0, 2] = 0, 1, [0.02, 0.04, 0.05]
    put("lab", rgb2lab(x), x=x)
    put("lightness", rgb2lab(x)[..., :1], x=x)


def rectangles():
    top, left = rng.integers(-1, 5, 6), rng.integers(-1, 7, 6)
    height, width = rng.integers(0, 4, 6), rng.integers(1, 9, 6)
    want = np.zeros((6, 5, 7), np.int32)
    for n in range(6):
        for i, j in itertools.product(range(5), range(7)):
            want[n, i, j] = top[n] <= i < top[n] + height[n] and left[n] <= j < left[n] + width[n]
    put("in_rectangle", want, top=top, left=left, height=height, width=width)
    at = rng.integers(0, 9, (4, 2, 3))
    put("hidden_of", [[p in row for p in range(9)] for row in at.reshape(4, -1)], x=at)


def cutmix():
    """rand_bbox of the code of Yun et al. 2019, with its draws given."""
    x, share = rng.random((6, 8, 11, 2)), np.array([0.0, 0.1, 0.35, 0.5, 0.9, 1.0])
    row, column = rng.integers(0, 8, 6), rng.integers(0, 11, 6)
    cut, mixed = np.zeros((6, 8, 11), np.int32), x.copy()
    for n in range(6):
        side = np.sqrt(1.0 - share[n])
        height, width = int(8 * side), int(11 * side)
        y1, y2 = np.clip(row[n] - height // 2, 0, 8), np.clip(row[n] + height // 2, 0, 8)
        x1, x2 = np.clip(column[n] - width // 2, 0, 11), np.clip(column[n] + width // 2, 0, 11)
        cut[n, y1:y2, x1:x2] = 1
        mixed[n, y1:y2, x1:x2] = x[5 - n, y1:y2, x1:x2]
    inputs = {"x": x, "share": share, "row": row, "column": column}
    put("cut_box", cut, **inputs)
    put("cutmix", mixed, **inputs)
    put("cutmix_share", 1 - cut.mean((1, 2)), **inputs)


def blockwise(rows, columns, most, least):
    """MaskingGenerator of the code of Bao et al. 2022 (BEiT)."""
    mask, count = np.zeros((rows, columns), int), 0
    while count < most:
        room, delta = most - count, 0
        for _ in range(10):
            area = random.uniform(least, room)
            ratio = math.exp(random.uniform(math.log(0.3), math.log(1 / 0.3)))
            h, w = int(round(math.sqrt(area * ratio))), int(round(math.sqrt(area / ratio)))
            if w < columns and h < rows:
                top, left = random.randint(0, rows - h), random.randint(0, columns - w)
                block = mask[top : top + h, left : left + w]
                if 0 < block.size - block.sum() <= room:
                    delta = block.size - block.sum()
                    block[:] = 1
            if delta > 0:
                break
        if delta == 0:
            break
        count += delta
    return mask


def draws():
    random.seed(3)
    many = np.array([blockwise(7, 7, 0.4 * 49, 4) for _ in range(20000)])
    put("block_places", many.mean(0))
    put("block_count", many.sum((1, 2)).mean())
    put("block_count_wide", np.mean([blockwise(14, 14, 75, 16).sum() for _ in range(4000)]))

    # a box of 2 x 3 on 4 x 5 patches: nine places, each as likely; of two boxes, either
    one = np.mean([[[t <= i < t + 2 and c <= j < c + 3 for j in range(5)] for i in range(4)] for t in range(3) for c in range(3)], 0)
    put("random_block", one)
    put("target_blocks", (1 - (1 - one) ** 2).reshape(20))

    # two of the four that are not hidden; two of the two that are
    hidden = np.array([[[1, 0, 0], [1, 0, 0]]])
    put("kept_places", [0, 0.5, 0.5, 0, 0.5, 0.5], x=hidden)
    put("hidden_places", [1, 0, 0, 1, 0, 0], x=hidden)


colours()
rectangles()
cutmix()
draws()
stored.save(__file__)
