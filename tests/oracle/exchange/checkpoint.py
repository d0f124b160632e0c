"""Checkpoints as PyTorch programs have them, of numbers that follow from their names alone, with NumPy and nothing else.

usage: python3 checkpoint.py KEYS.txt OUT.safetensors     writes one tensor for each line "name dtype dims..." of KEYS.txt
       python3 checkpoint.py --same A.safetensors B.safetensors     whether both hold the same tensors, to the bit
"""
import json, struct, sys, zlib
import numpy


def numbers(name, shape):
    """In (-1, 1), by a generator that is written down here: the same on any machine and version."""
    count = int(numpy.prod(shape, dtype=numpy.int64))
    x = numpy.arange(count, dtype=numpy.uint64) + (numpy.uint64(zlib.crc32(name.encode())) << numpy.uint64(32))
    for shift, factor in ((33, 0xFF51AFD7ED558CCD), (33, 0xC4CEB9FE1A85EC53), (33, 1)):  # MurmurHash3's finalizer
        x = (x ^ (x >> numpy.uint64(shift))) * numpy.uint64(factor)
    return ((x >> numpy.uint64(40)).astype(numpy.float64) / 2**23 - 1).reshape(shape)


def tensor(name, dtype, shape):
    """Of the size that such weights have: products keep the spread of what they take; variances are positive."""
    if dtype == "I64":
        return numpy.full(shape, 7, numpy.int64)
    u = numbers(name, shape)
    if name.endswith("running_var"):
        u = 1 + 0.5 * u
    elif name.endswith("weight") and len(shape) > 1:
        u *= (3 / (numpy.prod(shape) / shape[0])) ** 0.5
    elif name.endswith("weight"):
        u = 1 + 0.3 * u
    else:
        u *= 0.2
    return u.astype(numpy.float32)


def write(path, tensors):
    header, at = {}, 0
    names = {numpy.dtype(numpy.float32): "F32", numpy.dtype(numpy.int64): "I64"}
    for name, t in tensors.items():
        header[name] = {"dtype": names[t.dtype], "shape": list(t.shape), "data_offsets": [at, at + t.nbytes]}
        at += t.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + b"".join(t.tobytes() for t in tensors.values()))


def read(path):
    """{name: (dtype, shape, bytes)}"""
    data = open(path, "rb").read()
    size, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    body = data[8 + size:]
    return {name: (h["dtype"], h["shape"], body[slice(*h["data_offsets"])]) for name, h in header.items()}


def keys(path):
    for line in open(path):
        name, dtype, *dims = line.split()
        yield name, dtype, tuple(map(int, dims))


if __name__ == "__main__":
    if sys.argv[1] == "--same":
        a, b = read(sys.argv[2]), read(sys.argv[3])
        number = lambda t: t[0] == "I64"  # counts of batches are not kept
        different = [n for n in sorted(a.keys() | b.keys())
                     if n not in a or n not in b or a[n][:2] != b[n][:2] or (a[n] != b[n] and not number(a[n]))]
        sys.exit(f"{len(different)} differ, first {different[0]}" if different else 0)
    write(sys.argv[2], {k[0]: tensor(*k) for k in keys(sys.argv[1])})
