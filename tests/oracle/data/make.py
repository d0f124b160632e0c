"""Small data files by NumPy and Python: what tests/unit/test_data.c reads, and one that it must write.

npy   every type that sslc reads, either byte order, Fortran's order of axes; versions 1 to 3; and what it refuses
npz   archives by numpy.savez and savez_compressed; and, by zipfile, what is refused
idx   every type of LeCun's format, by struct; one of them also by gzip, and that one cut off
normal.npy   normal(40, 3, seed=5) and, behind it, normal(40, 3, seed=2**40 + 7): Philox by the autoencoder's make.py

python3 make.py   (NumPy 2; PyTorch 2 and safetensors, which the other script asks for)
"""

import gzip
import importlib.util
import io
import pathlib
import struct
import warnings
import zipfile

import numpy as np

HERE = pathlib.Path(__file__).parent


def save(name, array, version=None):
    with open(HERE / name, "wb") as out:
        np.lib.format.write_array(out, array, version=version)


def make_npy():
    signed = [-128, -1, 0, 1, 127, 5]
    for descr in ("<i1", "<i2", "<i4", "<i8"):
        limit = np.iinfo(descr) if descr != "<i8" else np.iinfo("<i4")
        save(f"{descr[1:]}.npy", np.array(signed[1:5] + [limit.min, limit.max], descr).reshape(2, 3))
    save("i8_wide.npy", np.array([0, 2**31], "<i8"))
    save("u1.npy", np.arange(0, 256, 17, np.uint8).reshape(2, 2, 2, 2))
    save("b1.npy", np.array([True, False, True]))
    save("f4.npy", np.array([[0.5, -1e-45, 3e38], [np.nan, np.inf, -0.0]], "<f4"))
    save("f8.npy", np.array([0.1, -2.5, 1e300, 1e-300], "<f8"))
    save("scalar.npy", np.array(7.75, "<f4"))
    save("rank8.npy", np.arange(8, dtype="<i4").reshape(2, 1, 1, 2, 1, 1, 1, 2))
    counts = np.arange(6, dtype="<i4").reshape(2, 3)
    for version in (1, 2, 3):
        save(f"version{version}.npy", counts, (version, 0))
    save("big_endian.npy", counts.astype(">i4"))
    save("big_f8.npy", np.array([0.1, -2.5, 3e38], ">f8"))
    save("big_u2.npy", np.array([1, 256, 65535], ">u2"))
    save("fortran.npy", np.asfortranarray(np.arange(24, dtype="<i2").reshape(2, 3, 4)))
    save("f2.npy", np.array([0, -0.0, 1, -2.5, 65504, 2**-24, 1023 * 2**-24, 0.1, np.inf, np.nan], "<f2"))
    for descr in ("<u2", "<u4", "<u8"):
        save(f"{descr[1:]}.npy", np.array([0, 1, min(np.iinfo(descr).max, 2**31 - 1)], descr))
    # refused
    save("u4_wide.npy", np.array([5, 2**31], "<u4"))
    save("u8_wide.npy", np.array([2**64 - 1], "<u8"))
    save("rank9.npy", np.zeros([1] * 9, "<f4"))
    save("none.npy", np.zeros((0, 3), "<f4"))
    save("c8.npy", np.zeros(2, "<c8"))
    save("text.npy", np.array(["a", "b"]))
    np.save(HERE / "object.npy", np.array([1, "a"], object))
    save("record.npy", np.zeros(2, [("a", "<f4"), ("b", "<i4")]))
    # what npy_write must make, byte for byte
    save("write_f4.npy", (np.arange(12, dtype="<f4") / 4 - 1).reshape(3, 4))
    save("write_f8.npy", np.array([0.1, -2.5], "<f8"))
    save("write_i4.npy", np.array(-5, "<i4"))
    save("write_u1.npy", np.arange(24, dtype="u1").reshape(1, 2, 1, 3, 1, 4, 1, 1))


def npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def make_npz():
    arrays = {
        "x": np.arange(24, dtype="<f4").reshape(4, 2, 3) / 8,
        "label": np.array([2, 0, 1, 2], "<i8"),
        "boxes": np.asfortranarray(np.arange(24, dtype=">f8").reshape(4, 3, 2) - 5),
        "mask": np.array([True, False, False, True]),
        "half": np.array([1.5, -2, 0.25, 3], "<f2"),
        "two.npy": np.array([7], "<i4"),
    }
    np.savez(HERE / "stored.npz", **arrays)
    np.savez_compressed(HERE / "deflated.npz", **arrays)
    np.savez_compressed(HERE / "positional.npz", arrays["x"], arrays["label"])
    # refused
    np.savez(HERE / "object.npz", x=np.array([1, "a"], object))
    good = npy(arrays["x"])
    for name, method, files in [
        ("twice", zipfile.ZIP_STORED, [("x.npy", good), ("x.npy", npy(arrays["label"]))]),
        ("bzip2", zipfile.ZIP_BZIP2, [("x.npy", good)]),
        ("none", zipfile.ZIP_STORED, []),
        ("others", zipfile.ZIP_STORED, [("readme.txt", b"x"), ("x", good), (".npy", good)]),
        ("short", zipfile.ZIP_DEFLATED, [("x.npy", good[:-4])]),
        ("header", zipfile.ZIP_DEFLATED, [("x.npy", good[:40])]),
        ("text", zipfile.ZIP_DEFLATED, [("x.npy", b"no array")]),
        ("bomb", zipfile.ZIP_DEFLATED, [("x.npy", good + bytes(1 << 24))]),
        ("claims", zipfile.ZIP_DEFLATED, [("x.npy", npy(np.zeros(1, "<f4")).replace(b"(1,), }           ", b"(2000000000,), }  "))]),
    ]:
        with warnings.catch_warnings(), zipfile.ZipFile(HERE / f"{name}.npz", "w", method) as out:
            warnings.simplefilter("ignore")  # of two files with one name
            for file, data in files:
                out.writestr(zipfile.ZipInfo(file), data, method)
    whole = (HERE / "stored.npz").read_bytes()
    at = whole.index(good) + len(good) - 1
    (HERE / "crc.npz").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    flagged = bytearray((HERE / "positional.npz").read_bytes())
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = flagged.index(signature) + offset
        flagged[at] |= 1
    (HERE / "encrypted.npz").write_bytes(flagged)


def idx(code, format, shape, values):
    return bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I{len(values)}{format}", *shape, *values)


def make_idx():
    whole = {
        "u1": idx(0x08, "B", (2, 3), [0, 1, 127, 128, 254, 255]),
        "i1": idx(0x09, "b", (6,), [0, 1, 127, -128, -1, -2]),
        "i2": idx(0x0B, "h", (3, 2), [0, 1, 256, 32767, -32768, -2]),
        "i4": idx(0x0C, "i", (1, 2, 3), [0, 1, 65536, 2**31 - 1, -(2**31), -2]),
        "f4": idx(0x0D, "f", (2, 2), [0.5, -0.0, 3e38, -1.25]),
        "f8": idx(0x0E, "d", (4,), [0.1, -2.5, 1e300, 1e-300]),
    }
    for name, data in whole.items():
        (HERE / f"{name}.idx").write_bytes(data)
    # over 1 MiB when unpacked: more than one turn of the reader
    large = gzip.compress(idx(0x08, "B", (1100, 1000), [i * i % 251 for i in range(1100000)]), mtime=0)
    (HERE / "large.idx.gz").write_bytes(large)
    (HERE / "u1.idx.gz").write_bytes(gzip.compress(whole["u1"], mtime=0))
    (HERE / "cut.idx.gz").write_bytes(large[: len(large) // 2])


def make_normal():
    spec = importlib.util.spec_from_file_location("autoencoder", HERE.parent / "autoencoder" / "make.py")
    autoencoder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(autoencoder)
    rows = []
    for seed in (5, 2**40 + 7):
        i = np.arange(120)
        counter = np.zeros((len(i), 4), np.uint32)
        counter[:, 0] = i // 2
        counter[:, 3] = 0x6E6F726D
        word = autoencoder.philox(counter, (seed & 0xFFFFFFFF, seed >> 32)).astype(np.float64)
        u, v = (word[:, 0] + 0.5) / 2**32, (word[:, 1] + 0.5) / 2**32
        r = np.sqrt(-2 * np.log(u))
        rows.append(np.where(i % 2 == 0, r * np.cos(2 * np.pi * v), r * np.sin(2 * np.pi * v)))
    save("normal.npy", np.array(rows, "<f8").reshape(2, 40, 3))


if __name__ == "__main__":
    make_npy()
    make_npz()
    make_idx()
    make_normal()
