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
