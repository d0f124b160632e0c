#!/usr/bin/env bash
# broken_rule.sh: proves that the gradient tests and `sslc grad` are able to fail: builds with the rule of `mul` wrong on
# purpose and expects both to find it.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset debug -B build/broken -DSSLC_SANITIZE= -DSSLC_STATIC_LLVM=OFF -DSSLC_BREAK=grad_mul >/dev/null
cmake --build build/broken --target sslc_tests sslc_command >/dev/null
if build/broken/sslc_tests gradients >build/broken/gradients.log 2>&1; then
	echo "a wrong gradient of mul was not found: see build/broken/gradients.log" >&2
	exit 1
fi
grep -q mul build/broken/gradients.log
if build/broken/sslc grad models/autoencoder.json >build/broken/grad.log; then
	echo "sslc grad did not find a wrong gradient of mul: see build/broken/grad.log" >&2
	exit 1
fi
grep -q WRONG build/broken/grad.log
echo "found"
