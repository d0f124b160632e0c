#!/bin/sh
# --cpu of another machine: check and dump take any that LLVM knows, what executes refuses it, before anything is written.
# bdver4 stands for another one: no processor has had xop and fma4 since.
# usage: cpu.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
model=$root/models/autoencoder.json
export SSLC_CACHE=off
ends() { # expected exit code, what is said, command
	want=$1 said=$2 code=0
	shift 2
	"$sslc" "$@" >out 2>error || code=$?
	[ "$code" = "$want" ] || { echo "$*: exit code $code instead of $want"; cat error; exit 1; }
	[ -z "$said" ] || grep -q "$said" error || { echo "$*: does not say '$said':"; cat error; exit 1; }
}

ends 0 '' run "$model" --quiet --steps 1 --cpu x86-64
ends 1 "cannot run code for 'bdver4': it has no " run "$model" --out other --cpu bdver4
[ ! -e other ] || { echo "a run that was refused left its folder"; exit 1; }
ends 1 "cannot run code for 'bdver4': it has no " grad "$model" --cpu bdver4
ends 1 "cannot run code for 'bdver4': it has no " features "$model" --checkpoint runs/autoencoder/checkpoint.safetensors --cpu bdver4
ends 0 '' check "$model" --cpu bdver4
ends 0 '' dump "$model" --stage asm --cpu bdver4
for command in check dump run; do ends 1 "did you mean 'znver4'?" "$command" "$model" --cpu znvr4; done
