"""Makes the data of the shipped models that come with no package, by the commands that the READMEs of their folders give,
outside of the repository: FOLDER/text for models/text, and so on. What is there is not made again."""

import os
import pathlib
import shutil
import subprocess
import sys

MODELS = pathlib.Path(__file__).resolve().parents[2] / "models"

# By the folder under models: the commands of its README, which run in FOLDER/name.
COMMANDS = {
    "text": [
        "python3 glosses.py data",
        "sslc tokenizer data/train.txt --size 4096 --out data/tokens.json",
    ],
    "speech": ["./words.sh >words.csv"],
    "series": [
        "python3 -m pip download --no-deps seglearn==1.2.5",
        "python3 watch.py seglearn-1.2.5-py3-none-any.whl data",
    ],
    "pairs": [
        "python3 stamps.py data",
        "cut -d, -f2- data/pictures.csv | tail -n +2 >data/pictures.txt",
        "sslc tokenizer data/pictures.txt --size 1024 --out data/tokens.json",
    ],
}


def prepare(name, folder, sslc, commands=COMMANDS, models=MODELS):
    """The folder with the data of models/name, made where it is not there yet, and None; or None and why not, with the
    command that failed. None and None: these models need nothing made."""
    if name not in commands:
        return None, None
    whole = pathlib.Path(folder).resolve() / name
    if whole.exists():
        return whole, None
    making = whole.with_name(name + ".part")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    for script in models.joinpath(name).iterdir():  # the commands name them as in their folder
        if script.suffix in (".py", ".sh"):
            making.joinpath(script.name).symlink_to(script)
    path = os.pathsep.join([str(pathlib.Path(sys.executable).parent), str(pathlib.Path(sslc).resolve().parent), os.environ["PATH"]])
    for command in commands[name]:
        result = subprocess.run(["sh", "-c", command], cwd=making, capture_output=True, text=True, env={**os.environ, "PATH": path})
        if result.returncode:
            shutil.rmtree(making)
            said = result.stderr.strip().splitlines()
            return None, f"models/{name}/README.md: `{command}`: {said[-1] if said else f'status {result.returncode}'}"
    making.rename(whole)
    return whole, None
