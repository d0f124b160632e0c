"""SimCLR on Fashion-MNIST as lightly's own example does it, with the network, transforms, loss and probe of
models/vision/simclr-fashion.json and AdamW. It reads MODEL for its numbers of epochs, batch and labels.

    python lightly_simclr.py MODEL --epochs E --seed S --threads T --workers W

Prints one line of JSON at the end: the last loss, and the accuracy of the probe on the test images."""

import argparse
import gzip
import json
import math
import pathlib

import numpy as np
import torch
from lightly.data import LightlyDataset
from lightly.loss import NTXentLoss
from lightly.transforms.multi_view_transform import MultiViewTransform
from PIL import Image
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms as T

DATA = pathlib.Path("/usr/share/datasets/fashion-mnist")
TEST_BATCH = 250


def idx(name, header):
    with gzip.open(DATA / name) as f:
        return np.frombuffer(f.read(), np.uint8, offset=header).copy()


def read(split):
    """Images u8 [n, 28, 28] and labels."""
    images = idx(f"{split}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    return images, idx(f"{split}-labels-idx1-ubyte.gz", 8).astype(np.int64)


class Pictures(Dataset):
    """As torchvision's data sets: a picture of PIL, transformed, and its label."""

    def __init__(self, images, labels):
        self.images, self.labels, self.transform = images, labels, None

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        image = Image.fromarray(self.images[i])
        return self.transform(image) if self.transform else image, int(self.labels[i])


def views():
    """random_resized_crop(0.2, rows=20, columns=20), random_flip, jitter(0.5), twice."""
    augment = [T.RandomResizedCrop(20, scale=(0.2, 1)), T.RandomHorizontalFlip()]
    augment = T.Compose([*augment, T.ColorJitter(brightness=0.5, contrast=0.5), T.ToTensor()])
    return MultiViewTransform([augment, augment])


def conv_norm(inputs, channels, kernel, stride=1):
    conv = nn.Conv2d(inputs, channels, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(channels))


class BasicBlock(nn.Module):
    def __init__(self, inputs, channels, stride):
        super().__init__()
        self.first, self.second = conv_norm(inputs, channels, 3, stride), conv_norm(channels, channels, 3)
        self.shortcut = conv_norm(inputs, channels, 1, stride)

    def forward(self, x):
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(x))


class SimCLR(nn.Module):
    """Pre-training sees the mean of the last map; the probe keeps its quarters apart."""

    def __init__(self):
        super().__init__()
        layers = [conv_norm(1, 24, 3, 2), nn.ReLU(), conv_norm(24, 48, 3, 2), nn.ReLU(), BasicBlock(48, 96, 2)]
        self.trunk = nn.Sequential(*layers)
        self.encoder = nn.Sequential(self.trunk, nn.AvgPool2d(2), nn.Flatten())
        hidden = [nn.Linear(96, 256, bias=False), nn.BatchNorm1d(256), nn.ReLU()]
        self.projector = nn.Sequential(*hidden, nn.Linear(256, 64))

    def forward(self, x):
        return self.projector(self.trunk(x).mean((2, 3)))


def cosine(optimizer, steps, warmup=0.0):
    """A rise along a line, then half a cosine: sslc's cosine(lr, warmup)."""

    def factor(step):
        rise = warmup * steps
        if step < rise:
            return (step + 1) / rise
        return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(steps - rise, 1)))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def pretrain(model, images, labels, options, batch):
    data = LightlyDataset.from_torch_dataset(Pictures(images, labels), transform=views())
    loader = DataLoader(data, batch_size=batch, shuffle=True, drop_last=True, num_workers=options.workers)
    loss_of = NTXentLoss(temperature=0.2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.002, weight_decay=1e-4, fused=True)
    schedule = cosine(optimizer, options.epochs * len(loader), 0.1)
    model.train()
    for epoch in range(options.epochs):
        for (a, b), _, _ in loader:
            optimizer.zero_grad()
            a, b = (x.to(memory_format=torch.channels_last) for x in (a, b))
            loss = loss_of(model(a), model(b))
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"epoch {epoch + 1}  loss {loss.item():.4f}", flush=True)
    return loss.item()


@torch.no_grad()
def features(model, images):
    """Of the frozen encoder."""
    model.eval()
    x = torch.from_numpy(images)[:, None].float() / 255
    return torch.cat([model.encoder(part) for part in x.split(TEST_BATCH)])


def probe(model, train, test, task):
    """A batch norm and a linear layer on a share of the labels, as many of each class."""
    images, labels = train
    share = round(task["labels"] * len(labels) / 10)
    chosen = np.concatenate([np.random.permutation(np.flatnonzero(labels == c))[:share] for c in range(10)])
    x, y = features(model, images[chosen]), torch.from_numpy(labels[chosen])
    head = nn.Sequential(nn.BatchNorm1d(x.shape[1]), nn.Linear(x.shape[1], 10))
    epochs, batch = task["train"]["epochs"], task["train"]["batch"]
    optimizer = torch.optim.AdamW(head.parameters(), lr=0.003, fused=True)
    schedule = cosine(optimizer, epochs * (len(x) // batch))
    for _ in range(epochs):
        for at in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            F.cross_entropy(head(x[at]), y[at]).backward()
            optimizer.step()
            schedule.step()
    head.eval()
    with torch.no_grad():
        right = head(features(model, test[0])).argmax(1) == torch.from_numpy(test[1])
    return right.float().mean().item()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("model", type=pathlib.Path)
    for name, default in (("epochs", 10), ("seed", 0), ("threads", 1), ("workers", 0)):
        p.add_argument(f"--{name}", type=int, default=default)
    options = p.parse_args()
    text = json.loads(options.model.read_text())
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    np.random.seed(options.seed)
    train, test = read("train"), read("t10k")
    model = SimCLR().to(memory_format=torch.channels_last)
    loss = pretrain(model, *train, options, text["train"]["batch"])
    print(json.dumps({"loss": loss, "accuracy": probe(model, train, test, text["downstream"]["probe"])}))


if __name__ == "__main__":
    main()
