#!/usr/bin/env bash
# run.sh BUILD [SECONDS [TARGET ...]]: runs every fuzz target (or those) for so long (60), one a core at a time (or
# $FUZZ_JOBS), each from a corpus made of the tests' own files, and prints a table in the order in which they end:
# executions, seconds of a core, edges and features covered, findings. `new` is how many inputs showed a new feature, `since`
# how many executions there were after the last: where that is many times the executions before, more time finds little.
# What is found is left in the folder `findings` of the working one; the corpora in $FUZZ_CORPUS, if that is set, where the
# next run goes on. $FUZZ_TIMEOUT: seconds of an input that is too slow (25).
# For an hour each: nice tools/fuzz/run.sh build/fuzz 3600
set -euo pipefail
build=$1
seconds=${2:-60}
shift $(($# < 2 ? $# : 2))
root=$(cd "$(dirname "$0")/../.." && pwd)
[ "${build#/}" != "$build" ] || build=$root/$build
[ $# -gt 0 ] || set -- model format expr graph dump idx gzip npy npz table csv audio image safetensors tokenizer text reader resume metrics report events cache options shown embed_load embed_restore
findings=$PWD/findings
jobs=${FUZZ_JOBS:-$(nproc)}
if [ -n "${FUZZ_CORPUS:-}" ]; then
	corpus=$(realpath "$FUZZ_CORPUS") && mkdir -p "$corpus"
else
	corpus=$(mktemp -d)
	trap 'rm -rf "$corpus"' EXIT
fi

seed() { # target, files...
	mkdir -p "$corpus/$1"
	find "${@:2}" -maxdepth 0 -type f -size -65537c -exec cp -u --parents -t "$corpus/$1" {} +
}
lines() { # target: every line of the input is a seed
	mkdir -p "$corpus/$1"
	(cd "$corpus/$1" && LC_ALL=C awk '{ name = sprintf("line%05d", NR); printf "%s", $0 >name; close(name) }')
}
words() { # target...: the words of the input are what libFuzzer puts in, whole
	LC_ALL=C sort -u | sed 's/.*/"&"/' >"$corpus/words"
	for target; do
		mkdir -p "$corpus/dictionary" && cp "$corpus/words" "$corpus/dictionary/$target"
	done
}
shopt -s nullglob globstar extglob
# define_doubles stops at the bound on calls, which takes 12 s under sanitizers
seed model "$root"/models/**/*.json "$root"/tests/errors/**/!(define_doubles).json
seed format "$root"/models/**/*.json
seed dump "$root"/models/**/*.json
cat "$root"/models/**/*.json "$root"/tests/errors/**/*.json | grep -aoE '"[^"\]+"' | tr -d '"' | sort -u | lines expr
cat "$root"/models/**/*.json "$root"/tests/errors/**/*.json "$root"/tests/errors/data/*.cmd |
	grep -aoE "(npy|npz|csv|idx|images|normal|fashion_mnist|text|lines|audio)\([^\"]*\)" | sort -u | lines reader
printf '%s\n' "npy('u1.npy', label='i1.npy', test=0.5)" "npy('f4.npy', boxes='i1.npy', mask='i2.npy')" "npz('deflated.npz', label='label', boxes='boxes')" \
	"csv('../tables/numbers.csv', window=3, stride=1)" "csv('../tables/good/plain.csv', columns='a', text='b')" \
	"audio('../sound/words', seconds=0.1, labels='../sound/words.csv')" \
	"joined(images('../images', size=4, corrupt='skip'), b=csv('../tables/good/plain.csv', key='a', text='b'))" | lines reader
cat "$root"/models/**/*.json | grep -aoE '[a-z_][a-z_0-9]+' | words model format expr dump
sed 's/, *"[^"]*" *)$//' "$root"/runtime/data/readers.def | grep -aoE '[a-z_][a-z_0-9]+' | words reader
sed -n 's/^OPTION( *"\([^"]*\)".*/--\1/p' "$root/tools/sslc/options.def" | words options
seed graph "$root"/tests/golden/**/*.ir
seed idx "$root"/tests/oracle/**/*.idx*
seed gzip "$root"/tests/oracle/**/*.idx*
seed tokenizer "$root"/tests/oracle/text/*.json
seed text "$root"/tests/oracle/text/*.txt
seed npy "$root"/tests/oracle/**/*.npy
seed npz "$root"/tests/oracle/**/*.npz
seed table "$root"/tests/oracle/tables/*/*.csv
mkdir -p "$corpus/csv"
for letter in 000 001 011 031 071 115 373; do
	printf "\\$letter\\011a,b,k\n1,2,u\n3,4,u\n5,,v\n6,7,v\n" >"$corpus/csv/$letter"
	printf "\\$letter\\040a,b,c\n1,u,\"a \"\"text\"\"\"\n2,v,c\n" >"$corpus/csv/t$letter"
done
seed image "$root"/tests/oracle/images/**/*.{png,jpg}
seed audio "$root"/tests/oracle/sound/{good,bad}/*
seed safetensors "$root"/tests/oracle/**/*.safetensors
mkdir -p "$corpus/shown"
printf 'a\033[31m\302\2331m\342\200\256\177\303' >"$corpus/shown/1"
mkdir -p "$corpus"/{resume,metrics,report,events,cache,options,embed_load,embed_restore}
printf '%s' '{"format": "sslc 1", "model": "{}", "name": "m", "step": "3", "steps": "10", "epochs": "2", "epoch": "0",' \
	'"seed": "7", "train_count": "100", "epoch_sum": "0x1.8p+1", "recent_sum": "0x0p+0", "epoch_loss": "nan"}' \
	>"$corpus/resume/1"
printf '\002\000{"step": 1, "epoch": 0, "loss": 0.5, "seconds": 0.1}\n{"step": 2, "epoch": 1, "loss": null, "seconds": 0.2}\n{"step": 3, "ep' \
	>"$corpus/metrics/1"
printf '{"step": 1, "epoch": 0, "loss": 0.5, "seconds": 0.1}\n{"step": 2, "std": null}\n' >"$corpus/report/1"
printf '{"seconds": 3, "kernels": [{"seconds": 1, "shape": "a"}, {"seconds": 2}], "model": "/a/b.json"}' >"$corpus/report/2"
{
	printf '\177\0'
	cat "$root"/tests/oracle/events/oracle
} >"$corpus/events/1"
printf '\002\0\0\0\0\0\0\0\001\0\0\0\0\0\0\0\002\0\0\0\0\0\0\0abc' >"$corpus/cache/1"
for letter in 0 1 2 3 4 5 6 7; do
	printf "\\$letter" >"$corpus/options/$letter"
	printf '%s\n' model.json --epochs 3 --seed=4 --out a --cpu x --function step -- >>"$corpus/options/$letter"
done
header='{"mask":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"probe.w":{"dtype":"F64","shape":[],"data_offsets":[2,10]}}'
{
	printf "\\003\\$(printf %o ${#header})\\0\\0\\0\\0\\0\\0\\0"
	printf '%s0123456789' "$header"
} >"$corpus/embed_load/1"
{
	printf 'SSLCSAV1\357\315\253\211\147\105\043\001\200\001\0\0\0\0\0\0'
	head -c 400 /dev/zero
} >"$corpus/embed_restore/1"

run() { # target: its row of the table, and what was found
	local found log=$corpus/log/$1 silent=1 clean=1
	mkdir -p "$corpus/$1" "$corpus/found/$1"
	[ "$1" != options ] || silent=3 # it complains of nearly every input
	[ ! -f "$corpus/dictionary/$1" ] || set -- "$1" -dict="$corpus/dictionary/$1"
	(cd "$corpus" && "$build/fuzz_$1" "${@:2}" -max_total_time="$seconds" -timeout="${FUZZ_TIMEOUT:-25}" -rss_limit_mb=4096 -close_fd_mask=$silent \
		-print_final_stats=1 -artifact_prefix="$corpus/found/$1/" "$corpus/$1") >"$log" 2>&1 || clean=0
	times >"$log.time" # of this shell, and of its children, of which there is one
	found=$(find "$corpus/found/$1" -type f | wc -l)
	[ "$found" = 0 ] || clean=0 # of an input that is only slow, too
	awk -v target="$1" -v found="$found" -v cpu="$(tail -n 1 "$log.time")" '
		$2 == "NEW" { new++; last = substr($1, 2) }
		/ cov: / { for (i = 1; i < NF; i++) { if ($i == "cov:") cov = $(i + 1); if ($i == "ft:") ft = $(i + 1) } }
		/stat::number_of_executed_units/ { runs = $2 }
		/stat::average_exec_per_sec/ { rate = $2 }
		END {
			split(cpu, of, "[ ms]+") # 1m2.3s 0m0.4s
			printf "%-13s %10d %8d %8.1f %6d %8d %6d %10d %d\n", target, runs, rate, 60 * (of[1] + of[3]) + of[2] + of[4], cov, ft, new, runs - last, found
		}' "$log" >"$log.row"
	if [ $clean = 0 ]; then
		mkdir -p "$findings/$1"
		cp "$corpus/found/$1"/* "$findings/$1/" 2>/dev/null || true
		grep -aE 'ERROR|SUMMARY|internal error|^ *#[0-9] ' "$log" | head -20 >>"$log.row" || tail -5 "$log" >>"$log.row"
	fi
	cat "$log.row"
	[ $clean = 1 ]
}
mkdir -p "$corpus/log"
export build seconds corpus findings
export -f run
printf '%-13s %10s %8s %8s %6s %8s %6s %10s %s\n' target executions 'a second' seconds edges features new since findings
printf '%s\n' "$@" | xargs -P "$jobs" -I TARGET bash -c 'set -uo pipefail; run TARGET' || exit 1
