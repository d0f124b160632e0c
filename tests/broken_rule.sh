#!/usr/bin/env bash
# broken_rule.sh: proves that the gradient tests are able to fail: builds with the rule of `mul` wrong on purpose and
# expects the suite to find it.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset debug -B build/broken -DSSLC_SANITIZE= -DSSLC_BREAK=grad_mul >/dev/null
cmake --build build/broken --target sslc_tests >/dev/null
if build/broken/sslc_tests gradients >build/broken/gradients.log 2>&1; then
	echo "a wrong gradient of mul was not found: see build/broken/gradients.log" >&2
	exit 1
fi
grep -q mul build/broken/gradients.log
echo "found"
