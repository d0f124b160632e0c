"""Transforms of images by torchvision's v2, as a data set applies them: to one image at a time, so that each has choices of
its own. On tensors of bytes, or on pictures of PIL; the result is such a one, or, as torchvision's recipes end, floats in
[0, 1]."""

import torch
from PIL import Image
from torchvision.transforms import InterpolationMode, v2

# A function of the side of an image, with the numbers of ../transforms.py.
TRANSFORMS = {
    "crop": lambda side: v2.RandomResizedCrop(side, scale=(0.2, 1), antialias=True),
    "flip": lambda side: v2.RandomHorizontalFlip(0.5),
    "jitter": lambda side: v2.ColorJitter(0.4, 0.4, 0.4, 0.1),
    "blur": lambda side: v2.GaussianBlur(3, (0.1, 2)),
    "rotation": lambda side: v2.RandomRotation(15, InterpolationMode.BILINEAR),
    "chain": lambda side: v2.Compose([TRANSFORMS[kind](side) for kind in ("crop", "flip", "jitter")]),
}


def start(name, weights, options):
    """A step transforms a batch."""
    torch.set_num_threads(options["threads"])
    kind, side = name.split("-")
    ending = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)] if options.get("floats") else []
    transform = v2.Compose([TRANSFORMS[kind](int(side)), *ending])

    def step(batch):
        return [transform(image) for image in batch]

    return step


def batch(arrays, pil=False):
    """Images [height, width, 3] of bytes."""
    if pil:
        return [Image.fromarray(image) for image in arrays[0]]
    return list(torch.from_numpy(arrays[0]).permute(0, 3, 1, 2).contiguous())


def value(images):
    """Something finite: there is no loss."""
    return float(len(images))
