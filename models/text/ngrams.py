"""The classical baseline of the table in README.md: bags of n-grams and logistic regression, on the data of glosses.py.

python3 ngrams.py [FOLDER [SHARE]]      (scikit-learn)

The labels are a share of the train split (0.01), in proportion to the topics, drawn five times. Of each kind of n-gram the
best C is taken as it shows on the test split, which flatters the baseline.
"""

import pathlib
import sys

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
share = float(sys.argv[2]) if len(sys.argv) > 2 else 0.01


def read(name):
    rows = [line.split("\t") for line in (folder / name).read_text(encoding="utf-8").splitlines()]
    return np.array([r[0] for r in rows]), [r[1] for r in rows]


def choose(labels, rng):
    """`share` of each topic, rounded by largest remainders."""
    topics, counts = np.unique(labels, return_counts=True)
    exact = counts * round(share * len(labels)) / len(labels)
    take = np.floor(exact).astype(int)
    take[np.argsort(take - exact)[: round(exact.sum()) - take.sum()]] += 1
    return np.concatenate([rng.permutation(np.flatnonzero(labels == t))[:n] for t, n in zip(topics, take)])


labels, texts = read("train.tsv")
test_labels, test_texts = read("test.tsv")
kinds = {
    "words": dict(analyzer="word", ngram_range=(1, 1)),
    "words, 1 to 2": dict(analyzer="word", ngram_range=(1, 2)),
    "characters, 1 to 3": dict(analyzer="char", ngram_range=(1, 3)),
    "characters in words, 1 to 4": dict(analyzer="char_wb", ngram_range=(1, 4)),
}
for name, kind in kinds.items():
    scores = {}
    for draw in range(5):
        chosen = choose(labels, np.random.default_rng(draw))
        bag = TfidfVectorizer(sublinear_tf=True, **kind)
        x = bag.fit_transform([texts[i] for i in chosen])
        y = bag.transform(test_texts)
        for c in (1, 10, 100):
            model = LogisticRegression(C=c, max_iter=300).fit(x, labels[chosen])
            scores.setdefault(c, []).append(100 * model.score(y, test_labels))
    best = max(scores, key=lambda c: np.mean(scores[c]))
    print(f"{name}: {np.mean(scores[best]):.2f} +- {np.std(scores[best], ddof=1):.2f} (C = {best}), {len(chosen)} labels")
