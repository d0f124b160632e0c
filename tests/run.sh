#!/usr/bin/env bash
# run.sh: all tests. Builds in release and with sanitizers, and runs the suites in each, the end-to-end tests in
# release, every fuzz target for a few seconds, and the rules of the house.
set -euo pipefail
cd "$(dirname "$0")/.."
fuzz_seconds=${FUZZ_SECONDS:-3}

say() { printf '\n== %s\n' "$*"; }

say "the rules of the house"
tools/check/check.sh

for preset in release debug tsan; do
	say "build: $preset"
	cmake --preset "$preset" >/dev/null
	cmake --build --preset "$preset"
done

say "end to end, release"
ctest --preset release -R '^end_to_end' -j 2

say "the tests can fail: a gradient rule broken on purpose must be found"
tests/broken_rule.sh

say "fuzzing, $fuzz_seconds s a target"
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz
tools/fuzz/run.sh build/fuzz "$fuzz_seconds"

say "suites, debug (ASan, UBSan)"
build/debug/sslc_tests

say "suites with threads of the runtime, TSan"
build/tsan/sslc_tests batches threads

say "suites, release"
build/release/sslc_tests
