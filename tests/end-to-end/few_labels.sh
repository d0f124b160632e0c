#!/bin/sh
# A task with few labels learns from those alone, and from the same ones in every run with the same seed.
# usage: few_labels.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"

# 200 samples of 2 bytes in 2 classes, the first byte tells which; 40 are held out.
LC_ALL=C awk 'BEGIN {
	srand(1)
	printf "%c%c%c%c%c%c%c%c%c%c%c%c", 0, 0, 8, 2, 0, 0, 0, 200, 0, 0, 0, 2 >"x.idx"
	printf "%c%c%c%c%c%c%c%c", 0, 0, 8, 1, 0, 0, 0, 200 >"y.idx"
	for (i = 0; i < 200; i++) { printf "%c%c", 100 * (i % 2) + int(rand() * 110), int(rand() * 256) >"x.idx"; printf "%c", i % 2 >"y.idx" }
}'
run() { # LABELS SEED [OPTIONS]
	cat >model.json <<-MODEL
		{
		  "data": "idx('x.idx', 'y.idx', test=0.2)",
		  "encoder": ["linear(2)"],
		  "decoder": ["linear(2)"],
		  "loss": "mse(decoder(encoder(x)), x)",
		  "train": {"epochs": 2, "batch": 16},
		  "downstream": {"probe": {
		    "freeze": ["encoder"], "labels": $1, "head": ["linear(2)"], "loss": "cross_entropy(head(encoder(x)), label)",
		    "optimizer": "adam(lr=0.05)", "train": {"epochs": 20, "batch": 4}}}
		}
	MODEL
	"$sslc" run model.json --out out --seed "$2" ${3:-} >out.txt
	sed 's/, "seconds": [^,]*//' out/results.json
}
wants() { # TEXT FILE
	grep -q "$1" "$2" || { echo "'$1' is not in:"; cat "$2"; exit 1; }
}
run 0.05 1 >a
run 0.05 1 >b
run 6 1 >d
diff -u a b
wants '"trained_on": 8, "steps": 40' a
wants '"trained_on": 12, "steps": 60' d
wants 'over 40 test samples, trained on 12' out.txt

# One seed alone shows no chance: the scores are those of a run.
run 6 1 "--seeds 1" | diff -u d -

# With --seeds, each experiment is the one that runs with its seed alone.
run 6 2 >alone
run 6 1 "--seeds 2" >both
wants 'trained on 12, with 2 seeds' out.txt
wants 'pre-trained .* +- ' out.txt
wants '"scores": \[[0-9.e-]*, [0-9.e-]*\]' both
for seed in 1:d 2:alone; do
	sed 's/, "seconds": [^,]*//' "out/seed-${seed%:*}/results.json" | diff -u "${seed#*:}" -
done

# Samples without a label are trained on, and tasks are as if they were not there: the encoder learns nothing here.
awk 'BEGIN {
	srand(2)
	for (f = 0; f < 3; f++) print "a,b,kind" >(f == 0 ? "some.csv" : f == 1 ? "all.csv" : "test.csv")
	for (i = 0; i < 200; i++) {
		kind = rand() < 0.5 ? "one" : "other"
		row = (kind == "one") + rand() "," rand() ","
		if (i >= 150) print row kind >"test.csv"
		else print row (i % 3 ? "" : kind) >"some.csv"
		if (i < 150 && i % 3 == 0) print row kind >"all.csv"
	}
}'
results() { # TRAIN, LABEL=COLUMN, TASKS: its results without times
	cat >model.json <<-MODEL
		{
		  "data": "csv('$1.csv', $2, test_path='test.csv')",
		  "define": {"twice(x)": "2 * x"},
		  "encoder": ["twice"],
		  "decoder": ["linear(2)"],
		  "loss": "mse(decoder(encoder(x)), x)",
		  "train": {"epochs": 1, "batch": 50},
		  "downstream": {$3}
		}
	MODEL
	"$sslc" run model.json --out out --seed 1 >out.txt 2>&1
	sed '/"pretraining"/d; s/, "seconds": [^,]*//' out/results.json
}
adam='"optimizer": "adam(lr=0.05)", "train": {"epochs": 20, "batch": 7}, "baselines": []'
class='"freeze": ["encoder"], "head": ["linear(2)"], "loss": "cross_entropy(head(encoder(x)), label)"'
partly() { # TRAIN
	results "$1" "label='kind'" "
		\"probe\": {$class, $adam},
		\"half\": {$class, \"labels\": 0.5, $adam},
		\"nearest\": {\"freeze\": [\"encoder\"], \"bank\": {\"f\": \"encoder(x)\", \"l\": \"label\"},
		  \"metric\": \"accuracy(knn(encoder(x), f, l, 5), label)\", \"train\": {\"batch\": 6}, \"baselines\": []}"
}
partly all >a
wants '50 train, 50 test' out.txt
partly some >b
wants '150 train (100 without a label), 50 test' out.txt
wants '100 of 150 samples have no label: tasks leave them out' out.txt
wants '"task": "probe".*"trained_on": 50, ' b
grep -v 'half' a >a.whole
grep -v 'half' b | diff -u a.whole -
wants '"task": "half".*"trained_on": 25, ' b

# The same of labels that are numbers.
for file in some all test; do
	sed 's/^a,b,kind/a,b,size/; s/other$/2.5/; s/one$/1/' $file.csv >$file.new
	mv $file.new $file.csv
done
number() { # TRAIN
	results "$1" "target='size'" "
		\"probe\": {\"freeze\": [\"encoder\"], \"head\": [\"linear(1)\"],
		  \"loss\": \"mse(reshape(head(encoder(x)), [-1]), label)\", $adam}"
}
number all >a
number some >b
wants '150 train (100 without a label), 50 test' out.txt
diff -u a b
