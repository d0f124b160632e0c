#!/bin/sh
# instructions.sh: instructions that one step of training takes, by target and model, as rows of Markdown: code + constants,
# states, arena, instructions. Boards count by SysTick under qemu -icount shift=0, to 40 instructions; programs of Linux
# (x86-64 too) by qemu, which logs each instruction that it runs, of 3 steps less those of 1. All steps but the first are
# alike but for branches on data. There is no count of x86-64-v4 and wasm32.
# usage: instructions.sh <path to sslc> [TARGET...]
set -eu
sslc=$(realpath "$1")
shift
here=$(realpath "$(dirname "$0")/..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$here/targets/machines.sh"

# user STEPS: instructions of a whole program; its own output is apart from the log
user() {
	machine "$target" -DSTEPS="$1"
	case $target in x86-64-*) runs="qemu-x86_64 -cpu max" ;; esac
	link
	launch -singlestep -d exec,nochain -D /dev/stderr 2>&1 > "$work/got" | grep -c '^Trace'
}

# instructions: of a step, of $target
instructions() {
	machine "$target"
	case $target in x86-64-v4 | wasm32) echo "-" && return ;; esac
	if lacks; then
		echo "-"
	elif [ -n "$board" ]; then
		machine "$target" -DTICKS -DSTEPS=3
		link
		launch -icount shift=0 | awk -v mhz="$mhz" 'NR > 1 { sum += $1; n++ } END { printf "%.0f\n", sum / n * 1000 / mhz }'
	else
		echo $((($(user 3) - $(user 1)) / 2))
	fi
}

for target in ${*:-x86-64-v2 x86-64-v3 x86-64-v4 aarch64 riscv64 riscv64v armv7 cortex-m0plus cortex-m4f cortex-m7 cortex-m55 wasm32}; do
	row="| $target"
	case $target in x86-64-*) option=--cpu ;; *) option=--target ;; esac
	for model in models/autoencoder.json tests/targets/convolution.json tests/targets/attention.json; do
		said=$(cd "$here/.." && SSLC_CACHE=off "$sslc" compile "$model" $option "$target" --prefix m --out "$work/m.o")
		row="$row | $(echo "$said" | sed -E 's/.*: ([0-9]+) bytes of code, ([0-9]+) of.* of it ([0-9]+) of states and ([0-9]+) of.*/\1 + \2 | \3, \4/') | $(instructions)"
	done
	echo "$row |"
done
