#!/bin/sh
# A training whose numbers end: the first operation that was not finite is named however far it is from the loss, alike for
# any number of threads and after a resume, and the last good checkpoint can be used.
# usage: diverged.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"

# Behind log are 700 operations, more than one function is asked of.
cat >model.json <<-'MODEL'
	{
	  "data": "normal(8, 4, seed=0)",
	  "define": {"far(x)": {"s": "1 + sum(x^2) / 1e6", "y": "tanh(x / s) * s"}},
	  "encoder": ["linear(2)"],
	  "loss": {
	    "near": "log(max(5.5 - step, 0)) + mean(encoder(x))",
	    "loss": "repeat(near, 140, far) + mean(encoder(x)^2)"
	  },
	  "train": {"epochs": 100, "batch": 4}
	}
MODEL
diverges() { # OUT FLAGS...
	code=0
	"$sslc" run model.json --out "$@" >out.txt 2>err.txt || code=$?
	[ $code = 3 ] && grep -q "at step 7 (epoch 4): log(0) is -infinity (model.json:6:14)" err.txt || {
		echo "$*: exit code $code"
		cat err.txt
		exit 1
	}
}
diverges plain --threads 1 --save-every 3600
diverges plain --threads 3 --save-every 3600
[ ! -e plain/checkpoint.safetensors ]

diverges saved --save-every 0
grep -q 'the last good checkpoint, of step 6, is saved/checkpoint.safetensors' err.txt
"$sslc" features model.json --checkpoint saved/checkpoint.safetensors --out saved.npy >/dev/null
diverges saved --resume

# Large states are not there twice: 260 MiB, of which one number is trained; what is not known is said.
large() { # MIB
	code=0
	cat >model.json <<-MODEL
		{
		  "data": "normal(8, 4, seed=0)",
		  "define": {"wide(x)": {"w": "param([$1, 262144], zeros)", "y": "x + slice(slice(w, 0, 0, 1), 1, 0, 1)"}},
		  "encoder": ["wide"],
		  "loss": "mean(encoder(x)) + log(max(0.5 - step, 0))",
		  "optimizer": "sgd",
		  "train": {"epochs": 1, "batch": 4}
		}
	MODEL
	"$sslc" run model.json --out large >out.txt 2>err.txt || code=$?
	[ $code = 3 ] && grep -q 'at step 2 (epoch 1)' err.txt || {
		echo "states of $1 MiB: exit code $code"
		cat err.txt
		exit 1
	}
}
large 260
grep -q 'error: the loss is infinite at step 2 (epoch 1)$' err.txt && grep -q 'states of more than 256 MiB are not kept' err.txt || {
	cat err.txt
	exit 1
}
large 250
grep -q 'log(0) is -infinity (model.json:5:' err.txt && ! grep -q MiB err.txt || {
	cat err.txt
	exit 1
}

# In a scan the step and what its layer did there is named: of what is carried the first step that spoilt it, of scans in
# scans the inner one; a constant infinity is no cause there either.
scan() { # DEFINE LOSS SAID
	cat >model.json <<-MODEL
		{
		  "data": "normal(8, 6, seed=0)",
		  "define": {"g(h, x)": "h * (x + 1e12)",
		    "f(h, x)": $1},
		  "encoder": ["linear(6)"],
		  "loss": "$2",
		  "train": {"epochs": 4, "batch": 4}
		}
	MODEL
	"$sslc" run model.json --out scan >out.txt 2>err.txt && code=0 || code=$?
	[ $code = 3 ] && grep -qF "$3" err.txt || {
		echo "$1: exit code $code, but not: $3"
		cat err.txt
		exit 1
	}
}
steps='transpose(encoder(x), [1, 0])'
scan '"h + 1 + 0 * x * log(max(2.5 - h, 0))"' "mean(scan($steps, zeros([4]), f))" \
	': log(0) is -infinity at step 4 of 6 of a scan (model.json:4:33)'
scan '"h * 1e10 + 0 * x"' "mean(scan($steps, ones([4]), f, reverse=1))" \
	': 1e+30 * 1e+10 is infinity at step 3 of 6 of a scan (model.json:4:17)'
scan '"h + sqrt(0 * x)"' "mean(scan($steps, ones([4]), f)[-1])" \
	'is -infinity at step 6 of 6 of a scan, in the gradient (model.json:4:21)'
scan '"0 * scan(reshape(x, [4, 1]), ones([1]), g)[-1][0] + h"' "mean(scan($steps * 0 + 1, ones([]), f))" \
	': 1e+36 * 1e+12 is infinity at step 4 of 4 of a scan (model.json:3:26)'
scan '"h + 1 + 0 * sum(softmax(select(iota([4]) < 2, x, -infinity))) + 0 * log(4 - h)"' \
	"mean(scan($steps, zeros([]), f)) + mean(encoder(x))" ': log(0) is -infinity at step 5 of 6 of a scan (model.json:4:85)'

# What was always infinite is no cause: a class that cannot be, beside numbers that overflow.
cat >model.json <<-'MODEL'
	{
	  "data": "normal(8, 4, seed=0)",
	  "define": {"scaled(x)": {"w": "param([1], 1)", "y": "x * w"}},
	  "encoder": ["scaled"],
	  "loss": {
	    "logits": "select(iota([4, 4], 1) == 0, -infinity, encoder(0 * x + 1) * 1e30)",
	    "loss": "-mean(slice(log_softmax(logits * 1e30 ), 1, 1, 4)) * 1e-30"
	  },
	  "train": {"epochs": 1, "batch": 4}
	}
MODEL
"$sslc" run model.json --out masked >out.txt 2>err.txt && code=0 || code=$?
[ $code = 3 ] && grep -q ': 1e+30 \* 1e+30 is infinity (model.json:7:' err.txt || {
	echo "masked: exit code $code"
	cat err.txt
	exit 1
}

# The profile of a run that diverged is gone before its steps are made again.
code=0
"$sslc" run model.json --out profiled --profile >out.txt 2>err.txt || code=$?
[ $code = 3 ] && grep -q ': 1e+30 \* 1e+30 is infinity (model.json:7:' err.txt || {
	echo "profiled: exit code $code"
	cat err.txt
	exit 1
}

# A task that diverges is named, with the reason, and the rest of the run goes on: its loss, a weight.
{ echo a,b,kind && printf '0.1,0.2,one\n0.5,0.6,two\n0.9,0.3,one\n%.0s' 1 2 3 4 5 6 7 8 9 10; } >rows.csv
task() { # LOSS BATCH
	cat >model.json <<-MODEL
		{
		  "data": "csv('rows.csv', label='kind', test=0.2)",
		  "encoder": ["linear(2)"],
		  "loss": "mean(encoder(x)^2)",
		  "train": {"epochs": 1, "batch": 4},
		  "downstream": {"probe": {
		    "freeze": ["encoder"],
		    "head": ["linear(2)"],
		    "loss": "$1",
		    "metric": "$good",
		    "optimizer": "sgd(lr=0.01)",
		    "train": {"epochs": 1, "batch": $2}}}
		}
	MODEL
	"$sslc" run model.json --out task >out.txt 2>err.txt || {
		cat out.txt err.txt
		exit 1
	}
}
says() { # LINE
	grep -qxF -- "$1" out.txt || {
		echo "not said: $1"
		cat out.txt
		exit 1
	}
}
good='cross_entropy(head(encoder(x)), label)'
task "log(max(5.5 - step, 0)) + $good" 2
says 'probe diverged (pre-trained): the loss is infinite at step 7 of 12: log(0) is -infinity (model.json:9:14)'
says 'probe diverged (random weights): the loss is infinite at step 7 of 12: log(0) is -infinity (model.json:9:14)'
grep -q '"score": null, "diverged": "the loss is infinite at step 7 of 12: log(0)' task/results.json
grep -q '"train_loss": 0,' task/results.json && { # of no epoch that ended
	cat out.txt
	exit 1
}
grep -q '^  pre-trained  *diverged  *- ' out.txt
task "mean(sqrt(0 * head(encoder(x))^2))" 24 # one step: its gradient alone is wrong
grep -q "^probe diverged (pre-trained): 'probe.head.0.w' (model.json:8:.*) holds a number that is not finite$" out.txt || {
	cat out.txt
	exit 1
}
