#!/bin/sh
# Objects for every kind of machine call nothing that a machine may lack, and train under qemu to the
# host's losses, within 1e-4: the seed model, a convolutional one and one with attention.
# usage: targets.sh <path to sslc>
# What is not installed (a compiler for a target, its qemu, llvm-nm) is left out; TARGETS_VERBOSE=1
# says so, and prints sizes.
set -eu
sslc=$(realpath "$1")
here=$(realpath "$(dirname "$0")/..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nm=$(command -v llvm-nm-19 || command -v llvm-nm || true)

note() {
	[ -z "${TARGETS_VERBOSE:-}" ] || echo "$*"
}

fail() {
	echo "targets.sh: $*" >&2
	exit 1
}

# compile OPTION NAME MODEL
compile() {
	(cd "$here/.." && SSLC_CACHE=off "$sslc" compile "$3" "$1" "$2" --prefix m --out "$work/m.o") \
		> "$work/said" 2>&1 || fail "$3 for $2: $(cat "$work/said")"
	note "$2 $3: $(llvm-size-19 "$work/m.o" 2> /dev/null | awk 'NR == 2 {print $1}') bytes of code and constants"
}

# symbols NAME MODEL ALLOWED: what the object wants from others
symbols() {
	[ -n "$nm" ] || return 0
	missing=$("$nm" -u "$work/m.o" | awk '{print $NF}' | grep -vE "^($3)\$" | tr '\n' ' ') || true
	[ -z "$missing" ] || fail "$2 for $1 calls what the machine may lack: $missing"
}

# losses NAME MODEL: as the host's, which are in $work/host
losses() {
	paste "$work/host" "$work/got" | awk -v steps=20 '
		{ d = $1 - $2; if (d > 100 || d < -100) bad = 1 }
		END { exit bad || NR != steps }' || fail "$2 for $1: other losses: $(tr '\n' ' ' < "$work/got")"
}

# hosted NAME COMPILER EMULATOR...: MODEL is in $model
hosted() {
	name=$1 compiler=$2
	shift 2
	if ! command -v "$compiler" > /dev/null || { [ $# -gt 0 ] && ! command -v "$1" > /dev/null; }; then
		note "$name: not run"
		return 0
	fi
	"$compiler" -static -O1 -I"$work" "$here/targets/main.c" "$work/m.o" -o "$work/run"
	"$@" "$work/run" > "$work/got" 2> "$work/said" || fail "$model for $name: $(cat "$work/said")"
	losses "$name" "$model"
}

# board NAME MACHINE RAM OPTION...
board() {
	name=$1 machine=$2 ram=$3
	shift 3
	if ! command -v arm-none-eabi-gcc > /dev/null || ! command -v qemu-system-arm > /dev/null; then
		note "$name: not run"
		return 0
	fi
	arm-none-eabi-gcc "$@" -DBARE -O1 -w -ffreestanding -nostdlib -I"$work" -T "$here/targets/bare.ld" \
		-Wl,--defsym=ram_size="$ram" -Wl,--no-enum-size-warning -Wl,-z,noexecstack \
		"$here/targets/bare.c" "$here/targets/main.c" "$work/m.o" -lgcc -o "$work/run"
	timeout 100 qemu-system-arm -M "$machine" -display none -monitor none -serial none -semihosting \
		-kernel "$work/run" > "$work/got" 2>&1 || fail "$model for $name: $(cat "$work/got")"
	losses "$name" "$model"
}

# Integers of 64 bits and floats, where a chip has none of them.
soft='__aeabi_(lmul|uidiv|uidivmod|idiv|idivmod|llsl|llsr|lasr|[fd](add|sub|rsub|mul|div)|[fd]cmp(eq|lt|le|ge|gt|un)|i2f|ui2f|f2iz|f2uiz|f2d|d2f|i2d|d2iz)'
# What a linker of WebAssembly defines.
wasm='__stack_pointer|__indirect_function_table|__memory_base|__table_base|__linear_memory'

for model in models/autoencoder.json tests/targets/convolution.json tests/targets/attention.json; do
	compile --cpu x86-64-v3 "$model"
	symbols x86-64-v3 "$model" ''
	cc -O1 -I"$work" "$here/targets/main.c" "$work/m.o" -o "$work/run"
	if grep -q avx2 /proc/cpuinfo 2> /dev/null; then
		"$work/run" > "$work/host"
	else
		note "no host to compare with"
		continue
	fi
	compile --cpu x86-64-v2 "$model"
	symbols x86-64-v2 "$model" ''
	hosted x86-64-v2 cc
	targets="riscv64 riscv64v armv7 cortex-m0plus cortex-m4f cortex-m55 wasm32"
	[ "$model" != models/autoencoder.json ] || targets="aarch64 cortex-m7 $targets"
	for target in $targets; do
		compile --target "$target" "$model"
		case $target in
		cortex-m0plus) symbols "$target" "$model" "$soft" ;;
		wasm32) symbols "$target" "$model" "$wasm" ;;
		*) symbols "$target" "$model" '' ;;
		esac
		case $target in
		aarch64) hosted "$target" aarch64-linux-gnu-gcc qemu-aarch64 ;;
		riscv64) hosted "$target" riscv64-linux-gnu-gcc qemu-riscv64 ;;
		riscv64v) hosted "$target" riscv64-linux-gnu-gcc qemu-riscv64 -cpu rv64,v=true,vlen=128 ;;
		armv7) hosted "$target" arm-linux-gnueabihf-gcc qemu-arm ;;
		cortex-m0plus) board "$target" mps2-an385 0x100000 -mcpu=cortex-m0plus ;;
		cortex-m4f) board "$target" mps2-an386 0x100000 -mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=hard ;;
		cortex-m7) board "$target" mps2-an500 0x100000 -mcpu=cortex-m7 -mfpu=fpv5-d16 -mfloat-abi=hard ;;
		cortex-m55) board "$target" mps3-an547 0x40000 -mcpu=cortex-m55 -mfloat-abi=hard ;;
		esac
	done
done
