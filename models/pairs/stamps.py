"""Makes the tables of the examples beside this file: the sentences of Tux Paint's stamps, and what they belong to.

python3 stamps.py [FOLDER]      writes FOLDER/pictures.csv (stamp, sentence) and FOLDER/spoken.csv (recording, kind, sentence)

Of Debian's package tuxpaint-stamps-default. A stamp NAME has a picture NAME.png, a text NAME.txt, whose first line is English
and the others language.utf8=sentence, and recordings NAME_desc_language.ogg. What is drawn or said is named by its path
without its end, as the readers of files name it. Several stamps may have the same sentence, and recordings of it that are
copies: of recordings each sentence is kept once, and stamps that share one, in any language, are of one kind.
"""

import csv
import pathlib
import re
import sys

SOURCE = pathlib.Path("/usr/share/tuxpaint/stamps")


def sentences(path):
    """By language, "en" of the first line."""
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        language, given, text = line.partition(".utf8=")
        if number == 0:
            found["en"] = line.strip()
        elif given and text.strip():
            found[language] = text.strip()
    return found


def kinds(said):
    """The stamps of (stamp, sentence), each with one that stands for all that are linked to it by sentences."""
    parent = {stamp: stamp for stamp, _ in said}

    def root(stamp):
        while parent[stamp] != stamp:
            stamp = parent[stamp]
        return stamp

    first = {}
    for stamp, sentence in sorted(said):
        parent[root(stamp)] = root(first.setdefault(sentence, stamp))
    return {stamp: root(stamp) for stamp in parent}


def write(path, header, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header] + sorted(rows))


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    if not SOURCE.exists():
        sys.exit(f"{SOURCE} is not there: apt install tuxpaint-stamps-default")
    folder.mkdir(parents=True, exist_ok=True)
    pictures, spoken, all_said = [], {}, set()
    for path in SOURCE.rglob("*.txt"):
        stamp, said = path.with_suffix(""), sentences(path)
        name = str(stamp.relative_to(SOURCE))
        all_said.update((name, sentence) for sentence in said.values())
        if said.get("en") and stamp.with_suffix(".png").exists():
            pictures.append((name, said["en"]))
        for recording in stamp.parent.glob(stamp.name + "_desc_*.ogg"):
            language = re.fullmatch(r"_desc_([a-z]+)\.ogg", recording.name[len(stamp.name) :])
            if language and said.get(language[1]) and recording.stat().st_size:
                recorded = (f"{name}_desc_{language[1]}", name)
                spoken[said[language[1]]] = min(recorded, spoken.get(said[language[1]], recorded))
    write(folder / "pictures.csv", ("stamp", "sentence"), pictures)
    kind = kinds(all_said)
    rows = [(recording, kind[stamp], sentence) for sentence, (recording, stamp) in spoken.items()]
    write(folder / "spoken.csv", ("recording", "kind", "sentence"), rows)
    print(f"{len(pictures)} pictures and {len(rows)} recordings with their sentences, in {folder}")


main()
