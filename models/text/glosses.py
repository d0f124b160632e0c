"""Makes the data of the examples beside this file: the glosses of WordNet's nouns, and their topics.

python3 glosses.py [FOLDER]      writes FOLDER/train.tsv, test.tsv (topic, tab, gloss) and train.txt (glosses alone)

Of Debian's package wordnet-base. A gloss is in the test split by a hash of the first word of its synset, so the senses of
a word are on one side; test glosses that are also in the train split are dropped.
"""

import hashlib
import pathlib
import sys

SOURCE = pathlib.Path("/usr/share/wordnet/data.noun")
TOPICS = (
    "Tops act animal artifact attribute body cognition communication event feeling food group location motive object "
    "person phenomenon plant possession process quantity relation shape state substance time"
).split()


def glosses():
    for line in SOURCE.read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):  # the licence
            continue
        fields, gloss = line.split(" | ", 1)
        _, topic, _, _, word = fields.split()[:5]
        digest = hashlib.md5(word.lower().encode()).digest()
        yield TOPICS[int(topic) - 3], gloss.strip().replace("\t", " "), digest[0] < 26  # a tenth


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    if not SOURCE.exists():
        sys.exit(f"{SOURCE} is not there: apt install wordnet-base")
    folder.mkdir(parents=True, exist_ok=True)
    train = [(topic, gloss) for topic, gloss, held in glosses() if not held]
    seen = {gloss for _, gloss in train}
    test = [(topic, gloss) for topic, gloss, held in glosses() if held and gloss not in seen]
    for name, rows in (("train.tsv", train), ("test.tsv", test)):
        (folder / name).write_text("".join(f"{topic}\t{gloss}\n" for topic, gloss in rows), encoding="utf-8")
    (folder / "train.txt").write_text("".join(f"{gloss}\n" for _, gloss in train), encoding="utf-8")
    print(f"{len(train)} glosses to train on, {len(test)} to test on, in {folder}")


main()
