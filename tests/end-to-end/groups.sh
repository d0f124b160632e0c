#!/bin/sh
# Test samples of one group are no evidence of their own: five copies of each sample, called a group, give the intervals that
# the samples give once; whatever the metric is a mean of.
# usage: groups.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"

awk 'BEGIN {
	srand(2)
	print "p,q,who" >"train.csv"; print "p,q,who" >"once.csv"; print "p,q,who" >"copies.csv"; print "p,q,who" >"mixed.csv"
	for (i = 0; i < 40; i++) print rand() "," rand() ",t" i >"train.csv"
	for (i = 0; i < 12; i++) { row[i] = rand() * 2 - 0.3 "," rand() ",s" i; print row[i] >"once.csv" }
	for (i = 0; i < 60; i++) { print row[int(i / 5)] >"copies.csv"; print row[i % 12] >"mixed.csv" }
}'
run() { # NAME TEST BATCH MORE
	task="\"freeze\": [\"encoder\"], \"baselines\": [\"random\"], \"train\": {\"batch\": $3}"
	cat >model.json <<-MODEL
		{
		  "data": "csv('train.csv', test_path='$2.csv', columns='p, q'$4)",
		  "encoder": ["linear(3)"],
		  "decoder": ["linear(2)"],
		  "loss": "mse(decoder(encoder(x)), x)",
		  "train": {"epochs": 1, "batch": 16},
		  "downstream": {
		    "each": {$task, "metric": "mean(sum(encoder(x)^2, 1))"},
		    "all": {$task, "collect": {"size": "sum(encoder(x)^2, 1)"}, "metric": "mean(size)"},
		    "root": {$task, "metric": "sqrt(mse(encoder(x), 0 * encoder(x)))"}
		  }
		}
	MODEL
	"$sslc" run model.json --out "$1" --seed 3 --threads 2 >"$1.txt"
}
run once once 1 ", group='who'"
run copies copies 5 ", group='who'"
run mixed mixed 5 ", group='who'"
run alone copies 5 ", skip='who'"

grep -q '^each: mean over 60 test samples in 12 groups' copies.txt || die "no groups in: $(cat copies.txt)"
grep -q '^each: mean over 60 test samples$' alone.txt || die "groups in: $(cat alone.txt)"
grep -q '^each: mean over 12 test samples$' once.txt || die "groups in: $(cat once.txt)"
grep -c '"groups": 12, "samples": 60' copies/results.json | grep -qx 4 || die "no groups in results.json"
# Of root each batch is of a group of its own. Batches that all have samples of the same groups are one value, and that shows nothing.
grep -q '^root: metric over 60 test samples of one group' mixed.txt || die "groups of batches: $(cat mixed.txt)"

interval() { # RUN TASK: middle and width
	sed -n "s/.*\"task\": \"$2\".*\"gain_low\": \([^,]*\), \"gain_high\": \([^,]*\),.*/\1 \2/p" "$1/results.json" |
		awk '{ print ($1 + $2) / 2, $2 - $1 }'
}
within() { # RUN RUN TASK LEAST MOST: how much wider the first is than the other, around the same gain
	echo "$(interval "$1" "$3") $(interval "$2" "$3")" | awk -v least="$4" -v most="$5" '
		{ off = ($1 - $3) / $4; wide = $2 / $4; if (NF == 4 && off < 1e-4 && off > -1e-4 && wide > least && wide < most) exit 0; print; exit 1 }' ||
		die "$3 of $1 is not $4 to $5 times as wide as of $2"
}
for task in each root; do
	within copies once $task 0.9999 1.0001
done
within mixed once each 0.9999 1.0001
within alone once each 0.3 0.5 # 1 / sqrt(5), and Student's t of 59 beside that of 11
for name in copies mixed; do
	within $name once all 0.7 1.4 # to what 50 draws tell
done
