#!/bin/sh
# depth.sh: what compiling takes as models grow deep: CPU seconds and the most memory of `sslc check`, which makes
# all of a model's functions but their machine code, and of `sslc run --steps 1` without the cache of objects.
# usage: nice tools/bench/depth.sh <path to sslc> [depths]
set -eu
sslc=$(realpath "$1")
depths=${2:-10 100 1000}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export SSLC_CACHE=off

write() { # name, data, sections
	echo "{\"data\": \"normal(32, $2)\", $3, \"loss\": \"mean(encoder(x)^2)\", \"features\": \"flatten(encoder(x))\",
\"train\": {\"batch\": 32, \"epochs\": 1}}" >"$1.json"
}

measure() { # model, arguments of sslc
	model=$1
	shift
	if /usr/bin/time -o "$model.time" -f "%U %S %M" "$sslc" "$@" "$model.json" >"$model.out" 2>&1; then
		awk '{ printf " %.2f s, %.0f MiB |", $1 + $2, $3 / 1024 }' "$model.time"
	else
		printf ' %s |' "$(sed -n 's/error: //p' "$model.out" | head -1)"
	fi
}

echo "| model | depth | check | run, 1 step |"
echo "|---|--:|--:|--:|"
for n in $depths; do
	write linear 10 "\"encoder\": [\"repeat($n, linear(10))\"]"
	write attention 256 "\"define\": {\"block(x)\": {\"y\": \"x + attention(layer_norm(x), 2)\",
\"z\": \"y + linear(gelu(linear(layer_norm(y), 64)), 16)\"}}, \"encoder\": [\"reshape([32, 16, 16])\", \"repeat($n, block)\"]"
	write conv 256 "\"define\": {\"block(x)\": {\"y\": \"relu(batch_norm(conv(x, 8, 3)))\",
\"z\": \"relu(x + batch_norm(conv(y, 8, 3)))\"}}, \"encoder\": [\"reshape([32, 8, 8, 4])\", \"conv(8, 3)\", \"repeat($n, block)\"]"
	for model in linear attention conv; do
		printf '| %s | %s |' "$model" "$n"
		measure "$model" check
		measure "$model" run --steps 1 --quiet --threads 1 --out "$model"
		echo
		rm -rf "$model"
	done
done
