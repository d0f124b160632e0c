"""The loss of models/autoencoder.json by PyTorch: the truth that tests/end-to-end/oracle.sh compares with.

In:  init.safetensors, the weights to start from (a checkpoint that sslc saved after its first step).
Out: losses.txt, one loss an epoch, from nothing of sslc's but the weights: the data is
     Philox 4x32-10 and Box-Muller again, in NumPy, from their published definitions.

python3 make.py   (PyTorch 2, NumPy, safetensors)
"""

import pathlib

import numpy as np
import torch
from safetensors.torch import load_file

HERE = pathlib.Path(__file__).parent
SAMPLES, WIDTH, SEED, EPOCHS = 100, 20, 0, 100


def philox(counter, key):
    """Philox 4x32-10 (Salmon et al. 2011): counter [n, 4], key [2], uint32."""
    c = counter.astype(np.uint64)
    k = [np.uint64(key[0]), np.uint64(key[1])]
    low = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        p0 = c[:, 0] * np.uint64(0xD2511F53)
        p1 = c[:, 2] * np.uint64(0xCD9E8D57)
        c = np.stack(
            [(p1 >> np.uint64(32)) ^ c[:, 1] ^ k[0], p1 & low, (p0 >> np.uint64(32)) ^ c[:, 3] ^ k[1], p0 & low], axis=1
        )
        k = [(k[0] + np.uint64(0x9E3779B9)) & low, (k[1] + np.uint64(0xBB67AE85)) & low]
    return c.astype(np.uint32)


def data():
    """normal(n, d, seed): runtime/data/readers.c has the formula."""
    i = np.arange(SAMPLES * WIDTH)
    pair = (i // 2).astype(np.uint64)
    counter = np.zeros((len(i), 4), np.uint32)
    counter[:, 0] = pair
    counter[:, 3] = 0x6E6F726D
    word = philox(counter, (SEED, 0)).astype(np.float64)
    u, v = (word[:, 0] + 0.5) / 2**32, (word[:, 1] + 0.5) / 2**32
    r = np.sqrt(-2 * np.log(u))
    x = np.where(i % 2 == 0, r * np.cos(2 * np.pi * v), r * np.sin(2 * np.pi * v))
    return x.astype(np.float32).reshape(SAMPLES, WIDTH)


def main():
    torch.manual_seed(0)
    x = torch.from_numpy(data())
    start = load_file(HERE / "init.safetensors")
    model = torch.nn.Sequential(
        torch.nn.Linear(WIDTH, 10), torch.nn.ReLU(), torch.nn.Linear(10, WIDTH), torch.nn.Sigmoid()
    )
    with torch.no_grad():
        for layer, name in ((model[0], "encoder.0"), (model[2], "decoder.0")):
            layer.weight.copy_(start[name + ".w"].T)
            layer.bias.copy_(start[name + ".b"])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with open(HERE / "losses.txt", "w") as out:
        for _ in range(EPOCHS):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(model(x), x)
            loss.backward()
            optimizer.step()
            out.write(f"{loss.item():.9g}\n")


if __name__ == "__main__":
    main()
