"""Makes the data of the examples beside this file: exercises of the shoulder, as a watch at the wrist recorded them.

    python3 -m pip download --no-deps seglearn==1.2.5      # Burns et al. 2018, licence BSD-3
    python3 watch.py seglearn-1.2.5-py3-none-any.whl [FOLDER]

writes FOLDER/watch.csv: subject, side, exercise, acceleration (ax, ay, az) and rotation (wx, wy, wz), 50 rows a second.
Needs NumPy, which wrote the file; nothing of the package is run.
"""

import io
import pathlib
import sys
import zipfile

import numpy


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else ".")
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        stored = wheel.read("seglearn/data/watch_dataset.npy")
    data = numpy.load(io.BytesIO(stored), allow_pickle=True).item()
    folder.mkdir(parents=True, exist_ok=True)
    rows = 0
    with open(folder / "watch.csv", "w", encoding="utf-8") as to:
        print("subject,side,exercise,ax,ay,az,wx,wy,wz", file=to)
        for series, exercise, subject, side in zip(data["X"], data["y"], data["subject"], data["side"]):
            name = data["y_labels"][int(exercise)]
            for row in numpy.asarray(series):
                print(f"{subject},{int(side)},{name}," + ",".join(f"{value:.5g}" for value in row), file=to)
            rows += len(series)
    print(f"{rows} rows of {len(data['X'])} recordings in {folder}/watch.csv")


main()
