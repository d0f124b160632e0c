#!/usr/bin/env bash
# programs.sh BUILD [SECONDS [SEED [PROCESSES [FOLDER]]]]: whole programs at random for so long (60), from this seed (1),
# in so many processes (one a core). What fails is left in the folder (found), made smaller. Ends with the counts of all.
set -euo pipefail
build=$1
seconds=${2:-60} seed=${3:-1} processes=${4:-$(nproc)} folder=${5:-found}
logs=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$logs"' EXIT

for ((i = 0; i < processes; i++)); do
	"$build/sslc_programs" --seed=$((seed + i * 100000000)) --seconds="$seconds" --failures=1000 --keep="$folder" \
		2>"$logs/$i" &
done
wait || true
cat "$logs"/* | grep -v ' programs, ' || true
# each process ends with one line of counts
grep -h ' programs, ' "$logs"/* | tr ',;' '\n\n' | awk '
	$2 ~ /^(programs|functions|tensors|unjudged|slopes|kinks|failures)$/ { sum[$2] += $1 }
	END { printf "%d programs, %d functions, %d tensors, %d unjudged (%.2f %%), %d slopes, %d kinks, %d failures\n",
		sum["programs"], sum["functions"], sum["tensors"], sum["unjudged"], 100 * sum["unjudged"] / (sum["tensors"] + 1e-9),
		sum["slopes"], sum["kinks"], sum["failures"]; exit sum["failures"] > 0 }'
