"""The loss of models/autoencoder.json by PyTorch: the truth that tests/end-to-end/oracle.sh compares with.

In:  init.safetensors, the weights that sslc starts from (sslc run models/autoencoder.json --steps 0).
Out: losses.txt, one loss an epoch, and x.npy, the data; both from nothing of sslc's but the weights: the data is
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
