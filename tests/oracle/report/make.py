"""Makes the arrays of tests/unit/test_report.c: principal components and t-SNE's affinities by scikit-learn.

Versions: NumPy 2.4, scikit-learn 1.9. usage: python3 make.py (in this folder)
"""
import numpy as np
from scipy.spatial.distance import squareform
from sklearn.decomposition import PCA
from sklearn.manifold import _t_sne

rng = np.random.default_rng(17)
for name, (n, d) in {"tall": (60, 7), "wide": (30, 50)}.items():
    x = (rng.normal(size=(n, d)) * np.linspace(3, 0.2, d)).astype(np.float32)
    x[: n // 3] += 4
    pca = PCA(3, svd_solver="full").fit(x.astype(np.float64))
    np.save(f"{name}.npy", x)
    np.save(f"{name}_pca.npy", pca.transform(x.astype(np.float64)))
    np.save(f"{name}_share.npy", pca.explained_variance_ratio_)
    distances = ((x[:, None].astype(np.float64) - x[None]) ** 2).sum(-1).astype(np.float32)
    p = squareform(_t_sne._joint_probabilities(distances, 8.0, 0))
    np.save(f"{name}_affinities.npy", p)
