"""What `sslc nearest` must print for vectors that are drawn here, by NumPy and Hugging Face's tokenizers: the truth of
tests/end-to-end/nearest.sh.

Out: vectors.safetensors, encoder.0.w [539,12]; want.txt, the words in lines that begin with "$ " and what is printed for them.

python3 make.py   (NumPy, safetensors, tokenizers)
"""

import pathlib

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).parent
SUMS = ["the", "the + of - and", "a - the", "language", "of the", "the the", "nothing - known + here", "é"]


def tokens(tokenizer, word):
    """The token of a space and the word, or the word's own, or those of both together."""
    spaced, alone = (tokenizer.encode(t, add_special_tokens=False).ids for t in (" " + word, word))
    return spaced if len(spaced) == 1 else alone if len(alone) == 1 else spaced


def shown(tokenizer, i):
    """Bytes of what is no character alone are spelled out, and so is what controls a terminal."""
    from tokenizers.pre_tokenizers import ByteLevel  # its alphabet: a character for each byte

    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    byte = {chr(b): b for b in kept} | {chr(256 + n): b for n, b in enumerate(b for b in range(256) if b not in kept)}
    assert set(byte) == set(ByteLevel.alphabet())
    raw = bytes(byte[c] for c in tokenizer.id_to_token(i))
    out, at = "", 0
    while at < len(raw):
        for size in (1, 2, 3, 4):
            try:
                c = raw[at : at + size].decode()
                break
            except UnicodeDecodeError:
                c, size = None, 1
        good = c and not (ord(c) < 32 or 127 <= ord(c) < 160)
        size = len(c.encode()) if c else 1
        out += c if good else "".join(f"\\x{b:02x}" for b in raw[at : at + size])
        at += size
    return out


def main():
    tokenizer = Tokenizer.from_file(str(HERE / "../text/ours.json"))
    rng = np.random.default_rng(3)
    w = rng.standard_normal((tokenizer.get_vocab_size(), 12)).astype(np.float32)
    save_file({"encoder.0.w": w}, HERE / "vectors.safetensors")
    unit = lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True)
    rows = unit(w.astype(np.float64))
    with open(HERE / "want.txt", "w") as out:
        for line in SUMS:
            out.write(f"$ {line}\n")
            words, sums = line.split(), []
            for i, word in enumerate(words):
                if word in "+-":
                    continue
                sign = -1 if i and words[i - 1] == "-" else 1
                if i == 0 or words[i - 1] not in "+-":
                    sums.append([])
                sums[-1].append((sign, word))
            for parts in sums:
                ids = [tokens(tokenizer, word) for _, word in parts]
                want = unit(sum(sign * unit(w[t].astype(np.float64).mean(0)) for (sign, _), t in zip(parts, ids)))
                cosine = rows @ want
                cosine[sorted(set(sum(ids, [])))] = -2
                out.write(" ".join(("" if i == 0 else "+ " if s > 0 else "- ") + word for i, (s, word) in enumerate(parts)) + "\n")
                for i in np.argsort(-cosine, kind="stable")[:4]:
                    out.write(f"{cosine[i]:9.4f}  '{shown(tokenizer, i)}'\n")


main()
