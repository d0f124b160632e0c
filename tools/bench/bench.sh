#!/bin/sh
# bench.sh: times a training step of the same models in sslc, PyTorch, JAX and tinygrad, and prints tables; README.md
# says how. Arguments are those of bench.py (--help). Environment: SSLC_BENCH_VENV, where the peers are installed, or
# are already; SSLC_BENCH_PIP, arguments of pip for that, say the index of PyTorch's wheels without CUDA.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${SSLC_BENCH_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/sslc-bench}

[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
if ! "$venv/bin/python" -c 'import jax, numpy, safetensors, tinygrad, torch, torchvision' 2>/dev/null; then
	# shellcheck disable=SC2086
	"$venv/bin/pip" install -q ${SSLC_BENCH_PIP:-} -r "$here/requirements.txt" >&2
fi
cd "$here/../.."
{ cmake --preset release && cmake --build --preset release --target sslc_bench_worker sslc_command; } >&2
exec "$venv/bin/python" "$here/bench.py" "$@"
