#!/bin/sh
# sslc run --time and sslc check --time name every stage once, and the times add up to the last line.
# usage: stage_times.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
table() { sed -n '/^stage /,$p' "$1"; }
stages=$(sed -n 's/^PASS( *\([a-z]*\).*/\1/p' "$root/compiler/passes/passes.def")
check() { # file, stages
	for stage in $2; do
		[ "$(table "$1" | grep -c "^$stage  *[0-9]")" = 1 ] || { echo "$1: $stage is not there once"; exit 1; }
	done
	table "$1" | awk '
		NF == 3 && $1 != "stage" { whole += $2 }
		$1 == "all" { said = $2 }
		END { off = whole - said; if (said <= 0 || off > 0.5 || off < -0.5) { print whole " is not " said; exit 1 } }'
}
SSLC_CACHE=off "$sslc" run "$root/models/autoencoder.json" --quiet --time --steps 1 >run
check run "parse elaborate verify autodiff $stages schedule plan target emit llvm link"
"$sslc" check "$root/models/autoencoder.json" --time >check
check check "parse elaborate verify autodiff $stages schedule plan"
