#!/usr/bin/env bash
# builds.sh: every usual way to build succeeds, without a warning: four build types, two compilers, two
# generators. All of them take minutes; `quick` builds one that no preset does (gcc optimizes it most, and so
# warns most).
set -euo pipefail
cd "$(dirname "$0")/.."
types="Release RelWithDebInfo MinSizeRel Debug" compilers="gcc clang" generators="Ninja Make" target=all
[ "${1:-}" = quick ] && types=Release compilers=gcc generators=Make target=sslc_command

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for generator in $generators; do
	for compiler in $compilers; do
		for type in $types; do
			[ "$generator" = Make ] && name="Unix Makefiles" || name=$generator
			rm -rf "$folder/build"
			cmake -S . -B "$folder/build" -G "$name" -DCMAKE_C_COMPILER="$compiler" -DCMAKE_BUILD_TYPE="$type" \
				-DSSLC_WERROR=ON >"$folder/log"
			if ! cmake --build "$folder/build" --target "$target" -j "$(nproc)" >>"$folder/log" 2>&1; then
				grep -E 'error|warning' "$folder/log" || tail "$folder/log"
				echo "$generator, $compiler, $type: does not build"
				exit 1
			fi
		done
	done
done
