#!/bin/sh
# deep_models.sh: models that are thousands of nodes deep compile in time and memory that grow with their depth, not
# faster: a chain of functions is cut into kernels of bounded size, equal layers are compiled once, and nothing recurses
# over the whole of it. A model that grows without end is refused.
# usage: deep_models.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
export SSLC_CACHE=off

runs() { # name, sections
	echo "{\"data\": \"normal(32, 10)\", $2, \"train\": {\"batch\": 32, \"epochs\": 1}}" >"$1.json"
	timeout 120 "$sslc" run "$1.json" --quiet --out "$1" >"$1.out" 2>&1 || {
		cat "$1.out"
		echo "$1: does not run"
		exit 1
	}
}

runs chain '"encoder": ["linear(10)", "repeat(5000, tanh)"], "loss": "mean(encoder(x)^2)"'
runs affine '"define": {"g(x)": "x*0.999+0.01"}, "encoder": ["linear(10)"], "loss": "mean(repeat(encoder(x), 10000, g)^2)"'
runs layers '"encoder": ["repeat(300, linear(10))"], "loss": "mean(encoder(x)^2)"'
runs recursion '"define": {"down(x, n)": "if(n == 0, x, down(x * 0.999, n - 1))"}, "encoder": ["linear(10)"], "loss": "mean(down(encoder(x), 1000)^2)"'

# no kernel is as long as the chain
"$sslc" dump --stage=schedule --function features chain.json | awk '
	/^  @/ { n = 0 } /tanh/ { if (++n > 100) bad = 1 } END { exit bad }' || {
	echo "a kernel computes more than 100 tanh of a chain"
	exit 1
}

# what takes more memory than it may is told where
echo '{"data": "normal(8, 64)", "define": {"block(x)": "x + attention(layer_norm(x), 2)"},
"encoder": ["reshape([8, 4, 16])", "repeat(200, block)"], "loss": "mean(encoder(x)^2)", "train": {"batch": 8}}' >large.json
code=0
"$sslc" check --memory 16 large.json >large.out 2>&1 || code=$?
[ $code = 1 ] && grep -q '^large.json:1:[0-9]*: error: compiling this model takes more than 16 MiB$' large.out &&
	grep -q '  note: here [0-9]* of [0-9]* operations of the function ' large.out && grep -q 'raise --memory' large.out || {
	cat large.out
	echo "a model of more than 16 MiB: exit code $code"
	exit 1
}
"$sslc" check --memory 512 large.json >large.out 2>&1 || {
	cat large.out
	exit 1
}
