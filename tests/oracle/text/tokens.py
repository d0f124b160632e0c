"""The truth of tests/unit/test_text.c: byte-pair encoding by Hugging Face's library, of corpus.txt and hard.txt.

python3 tokens.py   (tokenizers 0.23, NumPy)      writes bpe.json, older.json, corpus.npy, hard.npy
python3 tokens.py ours.json                       asks the library to read what sslc has written
"""

import json
import pathlib
import sys

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).parent
SIZE = 700
corpus = (HERE / "corpus.txt").read_bytes().decode()
hard = (HERE / "hard.txt").read_bytes().decode()


def ids(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text).ids) == text
    return np.array(tokenizer.encode(text).ids, np.int32)


def make():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE, min_frequency=2, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    t.train_from_iterator([corpus, hard], trainer)
    t.save(str(HERE / "bpe.json"))
    old = json.loads((HERE / "bpe.json").read_text())  # as versions before 0.20 wrote merges
    old["model"]["merges"] = [" ".join(m) for m in old["model"]["merges"]]
    (HERE / "older.json").write_text(json.dumps(old))
    np.save(HERE / "corpus.npy", ids(t, corpus))
    np.save(HERE / "hard.npy", ids(t, hard))


def check(path):
    ours, theirs = Tokenizer.from_file(path), Tokenizer.from_file(str(HERE / "bpe.json"))
    assert ours.get_vocab() == theirs.get_vocab()
    for text, name in ((corpus, "corpus"), (hard, "hard")):
        assert (ids(ours, text) == np.load(HERE / f"{name}.npy")).all()
    print(path, "is read as bpe.json is")


check(sys.argv[1]) if len(sys.argv) > 1 else make()
