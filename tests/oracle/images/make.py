#!/usr/bin/env python3
"""make.py: pictures in every form, and what Pillow makes of them.

Writes *.png and *.jpg beside itself, and truth.safetensors: a tensor [height,width,channels] a case, named
"FILE CHANNELS HEIGHT WIDTH HOW", HOW one of stretch, crop (torchvision's Resize and CenterCrop), none (as it stands).
Alpha is laid over white where CHANNELS is not 4. Made with Pillow 11.3.0 (13 resizes along columns first where that is
cheaper, and rounds differently then), pypng 0.20220715.0, numpy 2.4.6, safetensors 0.8.0.
"""
import io
import os
import struct
import zlib

import numpy as np
import png
from PIL import Image, ImageOps
from safetensors.numpy import save_file

os.chdir(os.path.dirname(os.path.abspath(__file__)))
rng = np.random.default_rng(7)
truth = {}


def smooth(h, w, c):
    """Something that a JPEG can hold: waves and a little noise."""
    y, x = np.mgrid[:h, :w]
    planes = [127 + 90 * np.sin(y / (3 + k) + k) * np.cos(x / (4 - k) - k) + rng.integers(-9, 9, (h, w)) for k in range(c)]
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def noise(h, w, c):
    return rng.integers(0, 256, (h, w, c), dtype=np.uint8)


def write_png(name, a, depth=8, alpha=False, greyscale=False, **options):
    with open(name, "wb") as f:
        writer = png.Writer(a.shape[1], a.shape[0], bitdepth=depth, alpha=alpha, greyscale=greyscale, **options)
        writer.write(f, a.reshape(a.shape[0], -1).tolist())


# -- PNG: every colour type, depth and order ------------------------------------------------------------
rgb, rgba, la = noise(5, 7, 3), noise(6, 5, 4), noise(4, 3, 2)
write_png("rgb.png", rgb)
write_png("rgba.png", rgba, alpha=True)
write_png("grey_alpha.png", la, alpha=True, greyscale=True)
write_png("interlaced.png", noise(11, 9, 3), interlace=True)
write_png("interlaced_grey.png", noise(1, 3, 1), greyscale=True, interlace=True)
for depth in (1, 2, 4, 8):
    write_png(f"grey{depth}.png", rng.integers(0, 1 << depth, (5, 9, 1)), depth, greyscale=True)
wide = rng.integers(0, 1 << 16, (4, 5, 3))
wide[0, 0] = [0x0180, 0xFF7F, 0xFF80]  # where rounding and cutting differ
write_png("rgb16.png", wide, 16)
write_png("grey16.png", wide[..., :1], 16, greyscale=True)
palette = [tuple(int(v) for v in p) for p in noise(1, 13, 3)[0]]
write_png("palette4.png", rng.integers(0, 13, (6, 7, 1)), 4, palette=palette)
clear = [p + (int(a),) for p, a in zip(palette, noise(1, 13, 1)[0, :, 0])]
write_png("palette_alpha.png", rng.integers(0, 13, (6, 7, 1)), 8, palette=clear, interlace=True)
key = rgb.copy()
key[1:3, 2:4] = [9, 8, 7]
write_png("key.png", key, transparent=(9, 8, 7))
write_png("one.png", noise(1, 1, 3))

# -- JPEG -----------------------------------------------------------------------------------------------
colour = smooth(21, 30, 3)
Image.fromarray(colour).save("colour.jpg", quality=90)
Image.fromarray(colour).save("full.jpg", quality=95, subsampling=0)
Image.fromarray(colour).save("progressive.jpg", quality=80, progressive=True, optimize=True)
Image.fromarray(smooth(9, 13, 1)[..., 0]).save("grey.jpg", quality=90)
Image.fromarray(smooth(10, 12, 4), "CMYK").save("cmyk.jpg", quality=95)  # with Adobe's marker: complemented
with open("cmyk.jpg", "rb") as f:
    adobe = f.read()
start = adobe.index(b"\xff\xee")
length = struct.unpack(">H", adobe[start + 2 : start + 4])[0]
with open("cmyk_plain.jpg", "wb") as f:
    f.write(adobe[:start] + adobe[start + 2 + length :])
Image.fromarray(colour).save("cmyk_name.png")  # a PNG, whose name will lie
os.replace("cmyk_name.png", "lies.jpg")

# -- EXIF: the eight ways to lie ------------------------------------------------------------------------------
for way in range(1, 9):
    exif = Image.Exif()
    exif[274] = way
    Image.fromarray(smooth(8, 16, 3)).save(f"exif{way}.jpg", quality=90, exif=exif)
exif = Image.Exif()
exif[274] = 6
Image.fromarray(noise(3, 4, 3)).save("exif6.png", exif=exif)
big = b"MM\0*\0\0\0\x08\0\x02\x01\x0f\0\x02\0\0\0\x01A\0\0\0\x01\x12\0\x03\0\0\0\x01\0\x08\0\0\0\0\0\0"
Image.fromarray(smooth(8, 16, 3)).save("exif_big.jpg", quality=90, exif=b"Exif\0\0" + big)

# -- Larger ones, to be resized ---------------------------------------------------------------------------
Image.fromarray(smooth(67, 101, 3)).save("wide.jpg", quality=85)
high = smooth(90, 41, 4)
high[20:60, 5:30, 3] = 255
high[:10, :, 3] = 0
write_png("high.png", high, alpha=True, compression=9)


# -- The truth -------------------------------------------------------------------------------------------------
def exact(name):
    """What Pillow cannot hold: 16 bits, rounded to 8."""
    values = {"rgb16.png": wide, "grey16.png": wide[..., :1]}[name]
    rounded = np.round(values / 257).astype(np.uint8)
    return Image.fromarray(rounded if rounded.shape[2] == 3 else rounded[..., 0])


def read(name, channels):
    image = exact(name) if "16" in name else Image.open(name)
    image = ImageOps.exif_transpose(image)
    if channels == 4:
        return image.convert("RGBA")
    if image.mode in ("RGBA", "LA", "P", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGB", image.size, (255, 255, 255))
        white.paste(image, mask=image.getchannel("A"))
        image = white
    image = image.convert("RGB")
    return image.convert("L") if channels == 1 else image


def resized(image, how, h, w):
    if how == "stretch":
        return image.resize((w, h), Image.BILINEAR)
    short = min(image.size)  # torchvision: the shorter side to h, the other in proportion, cut off below
    size = tuple(h if side == short else int(h * side / short) for side in image.size)
    image = image.resize(size, Image.BILINEAR)
    left, top = round((size[0] - w) / 2), round((size[1] - h) / 2)
    return image.crop((left, top, left + w, top + h))


def case(name, channels, h=0, w=0, how="none"):
    image = read(name, channels)
    image = image if how == "none" else resized(image, how, h, w)
    a = np.asarray(image)
    truth[f"{name} {channels} {h} {w} {how}"] = np.ascontiguousarray(a.reshape(a.shape[0], a.shape[1], channels))


for name in sorted(f for f in os.listdir(".") if f.endswith((".png", ".jpg"))):
    for channels in (1, 3, 4):
        case(name, channels)
for name in ("wide.jpg", "high.png", "one.png", "grey.jpg", "interlaced.png", "palette_alpha.png"):
    for channels in (1, 3, 4):
        case(name, channels, 8, 8, "stretch")
        case(name, channels, 13, 5, "stretch")
    case(name, 3, 32, 32, "stretch")
    for size in (1, 8, 31, 48):
        case(name, 3, size, size, "crop")
save_file(truth, "truth.safetensors")

# -- Broken ones --------------------------------------------------------------------------------------------
with open("rgb.png", "rb") as f:
    whole = f.read()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(name, w, h):
    with open(name, "wb") as f:
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0))
        f.write(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100000))) + chunk(b"IEND", b""))


os.makedirs("broken", exist_ok=True)
bomb("broken/bomb.png", 60000, 60000)
bomb("broken/short.png", 400, 400)  # whole chunks, too few rows
with open("broken/crc.png", "wb") as f:
    f.write(whole[:60] + bytes([whole[60] ^ 1]) + whole[61:])
with open("broken/cut.png", "wb") as f:
    f.write(whole[:-20])
with open("progressive.jpg", "rb") as f:
    whole = f.read()
with open("broken/cut.jpg", "wb") as f:
    f.write(whole[: len(whole) // 2])
with open("broken/bomb.jpg", "wb") as f:
    at = whole.index(b"\xff\xc2") + 5
    f.write(whole[:at] + b"\xff\xdc\xff\xdc" + whole[at + 4 :])
out = io.BytesIO()
Image.fromarray(rgb).save(out, "GIF")
with open("broken/gif.png", "wb") as f:
    f.write(out.getvalue())
