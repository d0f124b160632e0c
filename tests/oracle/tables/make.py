"""Tables as text: files, and what Python's csv module reads in them, for tests/unit/test_table.c.

good/NAME.csv   files, by hand and by csv.writer; NAME.rows is what csv.reader (strict) finds: fields with 1f between, rows
                with 1e behind them, empty rows left out
bad/*.csv       what is refused
numbers.csv     numbers as texts, and numbers.f32 as Python rounds them to 32 bits

python3 make.py   (Python 3.9 or later; no packages)
"""

import csv
import pathlib
import random
import struct

HERE = pathlib.Path(__file__).parent
SEPARATOR = {"semicolon": ";", "tab": "\t"}

GOOD = {
    "plain": b"a,b\n1,2\n3,4\n",
    "crlf": b"a,b\r\n1,2\r\n",
    "cr": b"a,b\r1,2\r3,4",
    "no_end": b"a,b\n1,2",
    "mark": b"\xef\xbb\xbfa,b\n1,2\n",
    "utf8": "gr\u00fc\u00df,\u4e16\u754c\n\U0001f600,e\u0301\n".encode(),
    "quoted": b'"a","b, c"\n"say ""hi""",""\n"""","a""b"\n',
    "lines_in_field": b'a,"one\ntwo"\n"x\r\ny\rz",b\n1,2\n',
    "empty_fields": b",\na,\n,b\n",
    "empty_lines": b"\n\na,b\n\r\n\n1,2\n\n",
    "spaces": b" a , b\n1 ,\t2\n",
    "one_column": b"a\nb\n\"\"\nc\n",
    "semicolon": b'a;"b;c"\n1,5;2\n',
    "tab": b'a\t"b\tc"\n1,5\t2\n',
    "one_field": b"a",
    "nothing": b"",
    "mark_alone": b"\xef\xbb\xbf",
}

BAD = {
    "quote_inside": b'a,b\n1,2"3\n',
    "quote_after_space": b'a, "b"\n',
    "text_behind_quote": b'a,b\n"1"2,3\n',
    "no_end_of_quote": b'a,b\n1,"2\n3,4\n',
    "fewer_fields": b"a,b,c\n1,2,3\n\n4,5\n",
    "more_fields": b"a,b\n1,2,3\n",
    "latin1": b"a,b\ncaf\xe9,2\n",
    "nul": b"a,b\n1,\x00\n",
    "utf16": "a,b\n".encode("utf-16"),
}


def made():
    """Tables of a hostile alphabet, in the dialects of csv.writer."""
    draw = random.Random(7)
    for number in range(6):
        columns = draw.choice([1, 2, 3, 7])
        path = HERE / "good" / f"made{number}.csv"
        with open(path, "w", newline="", encoding="utf-8") as out:
            quoting = [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC][number % 3]
            writer = csv.writer(out, quoting=quoting, lineterminator=["\r\n", "\n"][number % 2])
            for _ in range(40):
                writer.writerow("".join(draw.choices('ab"",,\n\r 1\u00e9', k=draw.choice([0, 1, 2, 5, 9]))) for _ in range(columns))
    with open(HERE / "good" / "large.csv", "w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([["x" * 3000, '"' * 700, n] for n in range(5)])
    with open(HERE / "good" / "wide.csv", "w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([[row * 300 + n for n in range(300)] for row in range(3)])


def numbers():
    """A column of numbers in many spellings; what they are in 32 bits."""
    draw = random.Random(11)
    texts = ["0", "-0", "+1", "1.", ".5", "-.25", "1e3", "1E-3", "1e-45", "1e-46", "3.4028235e38", " 7 ", "\t8", "0.1", "1e+2", "007"]
    while len(texts) < 500:
        value = draw.uniform(-10, 10) * 10 ** draw.randint(-30, 30)
        texts.append(draw.choice(["{:.3f}", "{:e}", "{:.9g}", "{!r}"]).format(value))
    (HERE / "numbers.csv").write_text("a\n" + "".join(text + "\n" for text in texts))
    (HERE / "numbers.f32").write_bytes(struct.pack(f"<{len(texts)}f", *map(float, texts)))


def main():
    for folder, files in (("good", GOOD), ("bad", BAD)):
        (HERE / folder).mkdir(exist_ok=True)
        for name, data in files.items():
            (HERE / folder / f"{name}.csv").write_bytes(data)
    made()
    numbers()
    for path in sorted((HERE / "good").glob("*.csv")):
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file, delimiter=SEPARATOR.get(path.stem, ","), strict=True) if row]
        assert len({len(row) for row in rows}) <= 1, path
        path.with_suffix(".rows").write_bytes("".join("\x1f".join(row) + "\x1e" for row in rows).encode())


if __name__ == "__main__":
    main()
