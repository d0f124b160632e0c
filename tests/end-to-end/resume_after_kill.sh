#!/bin/sh
# A run that was killed, interrupted or stopped and then resumed ends in the same bytes and losses as one that was not.
# usage: resume_after_kill.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
cat >model.json <<'MODEL'
{
  "name": "resume",
  "data": "normal(1000, 48, seed=3)",
  "pretext": {"noisy": "gaussian_noise(x)"},
  "encoder": ["linear(64)", "relu"],
  "decoder": ["linear(48)"],
  "loss": "mse(decoder(encoder(noisy)), x)",
  "optimizer": "adam(lr=0.001)",
  "train": {"epochs": 80, "batch": 64, "seed": 5}
}
MODEL

losses() { sed 's/, "seconds": [^,}]*//' "$1/metrics.jsonl"; }

same() { # FOLDER: as in full/
	cmp full/checkpoint.safetensors "$1/checkpoint.safetensors" || {
		echo "$1: other weights after the resume"
		exit 1
	}
	losses full >want
	losses "$1" >got
	diff -u want got || {
		echo "$1: other losses after the resume"
		exit 1
	}
	cmp full/features.npy "$1/features.npy"
}

lines() { if [ -f "$1" ]; then wc -l <"$1"; else echo 0; fi; }

# Starts a run in FOLDER and sends it SIGNAL once N lines of metrics are there. Sets code.
interrupt() { # FOLDER SIGNAL N
	"$sslc" run model.json --quiet --save-every 0 --out "$1" 2>"$1.err" &
	pid=$!
	while [ "$(lines "$1/metrics.jsonl")" -lt "$3" ] && kill -0 $pid 2>/dev/null; do sleep 0.005; done
	kill -"$2" $pid 2>/dev/null || true
	code=0
	{ wait $pid; } 2>/dev/null || code=$?
}

"$sslc" run model.json --quiet --out full

for at in 1 20 50; do
	interrupt "kill$at" KILL $at
	[ $code = 137 ] || [ $code = 0 ] || { echo "SIGKILL gave exit code $code"; exit 1; }
	if [ -f "kill$at/checkpoint.safetensors" ]; then
		"$sslc" run model.json --quiet --resume --out "kill$at"
		same "kill$at"
	fi
done

for signal in INT TERM; do
	interrupt $signal $signal 20
	case $signal$code in
	INT130 | TERM143) ;;
	*)
		echo "SIG$signal gave exit code $code:"
		cat $signal.err
		exit 1
		;;
	esac
	grep -q -- '--resume' $signal.err || { echo "SIG$signal: no word of --resume"; exit 1; }
	"$sslc" run model.json --quiet --resume --out $signal
	same $signal
done

# 1000 / 64 is 15 steps an epoch: 100 and 101 are inside one.
"$sslc" run model.json --quiet --steps 100 --out steps
"$sslc" run model.json --quiet --steps 101 --resume --out steps
"$sslc" run model.json --quiet --resume --out steps
same steps

# Resuming a finished run trains nothing and changes nothing.
"$sslc" run model.json --quiet --resume --out steps
same steps
