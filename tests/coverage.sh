#!/usr/bin/env bash
# coverage.sh: the share of lines and branches of compiler, runtime and command that suites, random programs and
# end-to-end tests run; by folder, the files with the least at the end. Needs the package gcovr.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake -S . -B build/coverage -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=--coverage -DSSLC_STATIC_LLVM=OFF >/dev/null
cmake --build build/coverage -- --quiet
find build/coverage -name '*.gcda' -delete
ctest --test-dir build/coverage -j "$(nproc)" --quiet || echo "some tests failed: ctest --test-dir build/coverage"
gcovr --root . --object-directory build/coverage --exclude-unreachable-branches --gcov-ignore-parse-errors --csv build/coverage/lines.csv \
	--filter compiler/ --filter runtime/ --filter tools/sslc/ --print-summary | grep -E '^(lines|branches)'
echo "least covered:"
awk -F, 'NR > 1 { printf "  %5.1f %%  %s\n", 100 * $4, $1 }' build/coverage/lines.csv | sort -n | head -n 15
