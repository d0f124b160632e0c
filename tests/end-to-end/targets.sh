#!/bin/sh
# Objects for every kind of machine call nothing that a machine may lack, and train under qemu (wasm32: node) to the
# host's losses, within 1e-4, which fall: the seed model, a convolutional one and one with attention; and a small one
# on a board with a Cortex-M0 and 16 KiB of RAM, which has no instruction beyond ARMv6-M.
# usage: targets.sh <path to sslc>
# What cannot run for lack of a tool (a compiler for a target, its qemu) is passed over and said; with
# SSLC_TOOLS=all, where tools/install.sh tests was run, it is an error. TARGETS_VERBOSE=1 prints sizes.
set -eu
sslc=$(realpath "$1")
here=$(realpath "$(dirname "$0")/..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nm=$(command -v llvm-nm-19 || command -v llvm-nm || true)
. "$here/targets/machines.sh"

fail() {
	echo "targets.sh: $*" >&2
	exit 1
}

# skip WHAT WHY: node and wasm-ld are not among the packages of tools/install.sh
skip() {
	echo "targets.sh: $1 is not run: there is no$2"
	[ "${SSLC_TOOLS:-}" != all ] || [ "$1" = wasm32 ] || fail "but SSLC_TOOLS=all says that all tools are there"
}

# compile OPTION NAME MODEL
compile() {
	(cd "$here/.." && SSLC_CACHE=off "$sslc" compile "$3" "$1" "$2" --prefix m --out "$work/m.o") \
		> "$work/said" 2>&1 || fail "$3 for $2: $(cat "$work/said")"
	[ -z "${TARGETS_VERBOSE:-}" ] || echo "$2 $(cat "$work/said")"
}

# symbols NAME MODEL ALLOWED: what the object wants from others
symbols() {
	[ -n "$nm" ] || return 0
	missing=$("$nm" -u "$work/m.o" | awk '{print $NF}' | grep -vE "^($3)\$" | tr '\n' ' ') || true
	[ -z "$missing" ] || fail "$2 for $1 calls what the machine may lack: $missing"
}

# falls NAME MODEL: of $work/got: 20 losses, of which the last 5 are below nine tenths of the first 5
falls() {
	awk '!/^[0-9]+$/ { bad = 1 } NR <= 5 { first += $1 } NR > 15 { last += $1 }
		END { exit bad || NR != 20 || last >= 0.9 * first }' "$work/got" || fail "$2 for $1: losses do not fall: $(tr '\n' ' ' < "$work/got")"
}

# train NAME MODEL: to losses like the host's, which are in $work/host
train() {
	machine "$1"
	if lacks; then
		skip "$1" "$why"
		return 0
	fi
	[ "$runs" != none ] || return 0
	link
	launch > "$work/got" 2> "$work/said" || fail "$2 for $1: $(cat "$work/got" "$work/said")"
	falls "$1" "$2"
	paste "$work/host" "$work/got" | awk '{ d = $1 - $2; if (d > 100 || d < -100) bad = 1 } END { exit bad }' ||
		fail "$2 for $1: other losses: $(tr '\n' ' ' < "$work/got")"
}

# Integers of 64 bits and floats, where a chip has none of them.
soft='__aeabi_(lmul|uidiv|uidivmod|idiv|idivmod|llsl|llsr|lasr|[fd](add|sub|rsub|mul|div)|[fd]cmp(eq|lt|le|ge|gt|un)|i2f|ui2f|f2iz|f2uiz|f2d|d2f|i2d|d2iz)'
# What a linker of WebAssembly defines.
wasm='__stack_pointer|__indirect_function_table|__memory_base|__table_base|__linear_memory'

# for_host MODEL: $work/host
for_host() {
	compile --cpu x86-64-v3 "$1"
	symbols x86-64-v3 "$1" ''
	machine x86-64-v3
	link
	launch > "$work/got" || fail "$1 on this machine: $(cat "$work/got")"
	falls x86-64-v3 "$1"
	mv "$work/got" "$work/host"
}

grep -q avx2 /proc/cpuinfo || {
	skip "any target" " x86-64-v3 here to compare with"
	exit 0
}
for model in models/autoencoder.json tests/targets/convolution.json tests/targets/attention.json; do
	for_host "$model"
	for cpu in x86-64-v2 x86-64-v4; do
		compile --cpu $cpu "$model"
		symbols $cpu "$model" ''
		train $cpu "$model"
	done
	for target in aarch64 riscv64 riscv64v armv7 cortex-m0plus cortex-m4f cortex-m7 cortex-m55 wasm32; do
		compile --target "$target" "$model"
		case $target in
		cortex-m0plus) symbols "$target" "$model" "$soft" ;;
		wasm32) symbols "$target" "$model" "$wasm" ;;
		*) symbols "$target" "$model" '' ;;
		esac
		train "$target" "$model"
	done
done
for_host tests/embed/sensor.json
compile --target cortex-m0plus tests/embed/sensor.json
train microbit tests/embed/sensor.json
