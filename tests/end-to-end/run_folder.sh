#!/bin/sh
# A run folder belongs to one run at a time, until that one ends, however it ends; what a killed run left does not stay;
# and links in it are replaced, not followed.
# usage: run_folder.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
running=
trap 'kill -9 $running 2>/dev/null || true; rm -rf "$temp"' EXIT
cat >model.json <<'MODEL'
{
  "name": "folder",
  "data": "normal(256, 8, seed=3)",
  "encoder": ["linear(8)"],
  "decoder": ["linear(8)"],
  "loss": "mse(decoder(encoder(x)), x)",
  "optimizer": "sgd(lr=1e-6)",
  "train": {"epochs": 100000, "batch": 64}
}
MODEL

await() { # PATH: until the run in the background has made it
	while [ ! -s "$1" ]; do
		kill -0 $pid 2>/dev/null || die "the run in the background ended: $(cat background.err)"
		sleep 0.01
	done
}

start() { # FOLDER [ARGUMENT ...]: in the background
	folder=$1
	shift
	"$sslc" run model.json --quiet --save-every 0 --out "$folder" "$@" 2>background.err &
	pid=$!
	running="$running $pid"
}

refused() { # FOLDER [ARGUMENT ...]: the second run is told who the first is
	folder=$1
	shift
	code=0
	"$sslc" run model.json --quiet --steps 1 --out "$folder" "$@" 2>refused.err || code=$?
	[ $code = 4 ] || die "a second run of $folder ended with $code: $(cat refused.err)"
	grep -q "another run writes into '$folder': process $pid (.*sslc run model.json" refused.err ||
		die "a second run was told: $(cat refused.err)"
}

# Two runs: new, resumed, and a folder that an older run had made. Reading is free.
mkdir old
for folder in new old; do
	start $folder
	await $folder/checkpoint.safetensors
	refused $folder
	refused $folder --resume
	refused ./$folder/../$folder
	"$sslc" features model.json --checkpoint $folder/checkpoint.safetensors --out $folder/own.npy >/dev/null
	[ ! -e $folder/checkpoint.previous.safetensors ] || die "the refused run moved the checkpoint of the first"
	kill -TERM $pid
	wait $pid || true
	[ ! -e $folder/.lock ] || die "the lock stays after the run"
done

# The lock of a killed run ends with it, and what it was writing goes with the next run.
start new --resume
while ! grep -q . new/metrics.jsonl || [ ! -e new/.lock ]; do kill -0 $pid; sleep 0.01; done
kill -9 $pid
wait $pid 2>/dev/null || true
for name in checkpoint.safetensors features.npy results.json model.json metrics.jsonl; do
	echo half >new/$name.sslc-a1B2c3
done
echo mine >new/checkpoint.safetensors.backup
sed -i 's/100000/3/' model.json
"$sslc" run model.json --quiet --out new
[ -z "$(find new -name '*.sslc-*')" ] || die "left by a killed run: $(ls new)"
[ "$(cat new/checkpoint.safetensors.backup)" = mine ]

# Links: each file of a run through one, symbolic or hard, to a file that must not change.
for how in -s ''; do
	rm -rf new precious
	mkdir new
	echo mine >precious
	for name in metrics.jsonl results.json features.npy model.json checkpoint.previous.safetensors; do
		ln $how "$temp/precious" new/$name
	done
	"$sslc" run model.json --quiet --out new
	"$sslc" run model.json --quiet --resume --out new
	[ "$(cat precious)" = mine ] || die "a link's target was written"
done

# Of runs that begin together in a folder that is not there, one goes on.
sed -i 's/"epochs": 3/"epochs": 100000/' model.json
all=
for i in 1 2 3 4; do
	"$sslc" run model.json --quiet --out together 2>together.$i &
	all="$all $!"
done
running="$running $all"
alive() { for p in $all; do ! kill -0 "$p" 2>/dev/null || echo "$p"; done; }
while [ "$(alive | wc -l)" -gt 1 ]; do sleep 0.01; done
sleep 0.1
one=$(alive)
[ "$(cat together.? | grep -c "process $one (")" = 3 ] || die "of four runs: $(cat together.?)"
kill -TERM "$one"
for p in $all; do wait "$p" 2>/dev/null || true; done

# Experiments with several seeds in the folder of a single run: its curves and features are not beside their results.
sed 's/100000/2/; s/"loss"/"downstream": {"t": {"freeze": ["encoder"], "metric": "-mean(encoder(x)^2)"}}, "loss"/; s/seed=3)/seed=3)"/; s/""/"/' model.json |
	sed "s/\"data\": .*/\"data\": \"csv('x.csv', test=0.2)\",/" >seeds.json
awk 'BEGIN { srand(1); for (i = 0; i <= 400; i++) { for (k = 1; k <= 8; k++) printf "%s%s", i ? rand() : "c" k, k < 8 ? "," : "\n" } }' >x.csv
"$sslc" run seeds.json --out several --quiet
cp several/checkpoint.safetensors single.safetensors
"$sslc" run seeds.json --out several --seeds 2 >out.txt
grep -q 'the run that was in several is replaced' out.txt || die "it is not said that a run is replaced"
cmp single.safetensors several/checkpoint.previous.safetensors
for file in checkpoint.safetensors metrics.jsonl features.npy model.json; do
	[ ! -e several/$file ] || die "$file of another run is beside the results of several seeds"
done
"$sslc" report several --out page.html >/dev/null
! grep -q 'earlier run' out.txt || die "a seed of this run is called another's"
mkdir several/seed-2 several/seed-7
"$sslc" run seeds.json --out several --seeds 2 >out.txt
grep -q '^note        several/seed-2 and 1 more such folder: of an earlier run, no part of these results$' out.txt ||
	die "it is not said whose seed-2 is: $(cat out.txt)"

# What another run found is not beside a run, or several, that did not end.
sed 's/"epochs": 2/"epochs": 100000/' seeds.json >long.json
"$sslc" run seeds.json --out one --quiet --profile >/dev/null
for arguments in "--out several --seeds 2" "--out one"; do
	folder=$(echo "$arguments" | cut -d ' ' -f 2)
	rm -f several/seed-0/checkpoint.safetensors one/checkpoint.safetensors
	"$sslc" run long.json --quiet --save-every 0 $arguments 2>background.err &
	pid=$! running=$pid
	await "$(find $folder/seed-0 $folder -maxdepth 0 2>/dev/null | head -n 1)/checkpoint.safetensors"
	kill -TERM $pid
	! wait $pid || die "the run was not stopped"
	for file in results.json features.npy profile.json; do
		for at in $folder $folder/seed-0; do
			[ ! -e $at/$file ] || die "$at/$file of another run is beside a run that was stopped"
		done
	done
	"$sslc" report $folder --out page.html >/dev/null
done

# Weights of another text of the model are taken, and said to be.
sed 's/"encoder": \["linear(8)"\]/"encoder": ["linear(8)", "tanh"]/' seeds.json >edited.json
for command in "features seeds.json --checkpoint single.safetensors" "export seeds.json --checkpoint single.safetensors" \
	"compile seeds.json --weights single.safetensors"; do
	"$sslc" $command >/dev/null 2>out.txt
	! grep -q 'another text' out.txt || die "$command: the text is the same"
	"$sslc" $(echo "$command" | sed 's/seeds/edited/') >/dev/null 2>out.txt
	grep -q 'single.safetensors are of another text of this model, which differs from line 4 on' out.txt || {
		cat out.txt
		die "$command: another text is not told of"
	}
done
