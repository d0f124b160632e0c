#!/usr/bin/env bash
# nights.sh: what run.sh leaves out for time: every case of every suite, in release and under ASan and UBSan, every
# usual build, sslc grad on every shipped model, and fuzzing for FUZZ_SECONDS (600) a target and random programs for
# PROGRAM_SECONDS (7200). Takes a night on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
export SSLC_TESTS=all
cores=$(nproc)

for preset in release debug fuzz; do
	cmake --preset "$preset" >/dev/null
	cmake --build --preset "$preset" -- --quiet
	[ "$preset" = fuzz ] || ctest --preset "$preset" -j "$cores"
done
tests/builds.sh
for model in models/*.json models/*/*.json; do
	case $model in models/lib/*) continue ;; esac
	echo "$model"
	build/release/sslc grad --samples 4 "$model" | tail -n 1
done
tools/fuzz/run.sh build/fuzz "${FUZZ_SECONDS:-600}"
tools/fuzz/programs.sh build/release "${PROGRAM_SECONDS:-7200}" "$(date +%s)" "$cores" build/programs
