"""Recordings that tests/unit/test_audio.c and tests/errors/data read: each is x[i] = sin(2 pi 440 i / rate) / 2.

WAV (RIFF, Microsoft 1991) and CAF (Apple 2011) are written here byte by byte; FLAC and Ogg by soundfile. python3 make.py
"""

import math
import pathlib
import struct

import soundfile

HERE = pathlib.Path(__file__).parent


def sine(rate, count):
    return [0.5 * math.sin(2 * math.pi * 440 * i / rate) for i in range(count)]


def wav(name, samples, rate=8000, channels=1, kind="s16", cut=0, says=None):
    """kind: u8 s16 s24 s32 f32; cut: so many bytes are missing at the end; says: the size in the header."""
    pack = {
        "u8": lambda v: struct.pack("B", round(v * 128) + 128),
        "s16": lambda v: struct.pack("<h", round(v * 32768)),
        "s24": lambda v: struct.pack("<i", round(v * 8388608))[:3],
        "s32": lambda v: struct.pack("<i", round(v * 2147483648)),
        "f32": lambda v: struct.pack("<f", v),
    }[kind]
    data = b"".join(pack(v) for v in samples)
    width = len(pack(0.0))
    form = struct.pack("<HHIIHH", 3 if kind == "f32" else 1, channels, rate, rate * channels * width, channels * width, 8 * width)
    size = len(data) if says is None else says
    head = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size)
    whole = b"RIFF" + struct.pack("<I", min(len(head) + size, 2**32 - 1)) + head + data
    path = HERE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(whole[: len(whole) - cut])


def caf(name, samples, rate=8000, cut=0):
    """Apple's Core Audio Format, of 16 bits with the low byte first."""
    data = struct.pack(">I", 0) + b"".join(struct.pack("<h", round(v * 32768)) for v in samples)
    form = struct.pack(">d4sIIIII", rate, b"lpcm", 2, 2, 1, 1, 16)
    whole = b"caff" + struct.pack(">HH", 1, 0) + b"desc" + struct.pack(">q", len(form)) + form + b"data" + struct.pack(">q", len(data)) + data
    path = HERE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(whole[: len(whole) - cut])


x = sine(8000, 800)
for kind in ("u8", "s16", "s24", "s32", "f32"):
    wav(f"good/{kind}.wav", x, kind=kind)
wav("good/stereo.wav", [v for s in x for v in (s, -s / 2)], channels=2)  # their mean is x / 4
wav("good/fast.wav", sine(44100, 8820), rate=44100)
wav("good/slow.wav", sine(5513, 2000), rate=5513)
wav("good/piped.wav", x, says=2**32 - 1)
soundfile.write(HERE / "good/x.flac", x, 8000, subtype="PCM_16")
soundfile.write(HERE / "good/x.ogg", sine(8000, 4000), 8000)

(HERE / "bad").mkdir(exist_ok=True)
wav("bad/cut.wav", x, cut=600)
caf("good/x.caf", x)
caf("bad/cut.caf", x, cut=1)
wav("bad/none.wav", [])
wav("bad/nan.wav", x[:100] + [math.nan] + x[101:], kind="f32")
(HERE / "bad/nothing.wav").write_bytes(b"")
(HERE / "bad/text.wav").write_text("no sound\n")
flac = (HERE / "good/x.flac").read_bytes()
(HERE / "bad/cut.flac").write_bytes(flac[: len(flac) // 2])
ogg = (HERE / "good/x.ogg").read_bytes()
(HERE / "bad/cut.ogg").write_bytes(ogg[:-1])

# Two voices that say the same words, as long as they have letters: 50 ms each.
for v, voice in enumerate(("ada", "bob")):
    for word in ("no", "yes", "maybe"):
        wav(f"words/{voice}/{'sure' if word != 'maybe' else 'unsure'}/{word}.wav", [s / (v + 1) for s in sine(8000, 400 * len(word))])
(HERE / "words/notes.txt").write_text("no recording\n")
(HERE / "words.csv").write_text("path,label\nbob/sure/yes.wav,agreed\nada/sure/no.wav,refused\nada/sure/yes.wav,agreed\n")
