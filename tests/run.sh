#!/usr/bin/env bash
# run.sh: all tests, as many at a time as there are cores, each with its time. Builds in release and with sanitizers,
# runs the suites in each and the end-to-end tests in release, fuzzes every target for a few seconds, and checks the
# rules of the house. Suites run a share of their cases (tests/unit/share.h); nights.sh runs all of them.
set -euo pipefail
cd "$(dirname "$0")/.."
fuzz_seconds=${FUZZ_SECONDS:-3}
cores=$(nproc)

say() { printf '\n== %s\n' "$*"; }
say_time() { printf '   %d s so far\n' "$SECONDS"; }

say "the rules of the house"
tools/check/check.sh

for preset in release debug tsan fuzz; do
	say "build: $preset"
	cmake --preset "$preset" >/dev/null
	cmake --build --preset "$preset" -- --quiet
	say_time
done

say "a build as packagers type it"
tests/builds.sh quick
say_time

say "the tests can fail: a gradient rule broken on purpose must be found"
tests/broken_rule.sh
say_time

say "fuzzing, $fuzz_seconds s a target"
tools/fuzz/run.sh build/fuzz "$fuzz_seconds"
say_time

say "suites with threads of the runtime, TSan"
ctest --preset tsan -R '^(suite_(batches|series|threads)|runtime_alone)$' -j "$cores"

say "suites, debug (ASan, UBSan)"
ctest --preset debug -j "$cores"
say_time

say "suites, programs and end to end, release"
ctest --preset release -j "$cores"
say_time
