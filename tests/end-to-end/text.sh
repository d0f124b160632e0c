#!/bin/sh
# A model learns a text by heart and says it again; the same seed says the same, and a checkpoint knows its tokens. A
# tokenizer is trained, and read by a model.
# usage: text.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
printf 'the cat sat; a dog ran.\n' >text.txt
model() { # NAME TOKENIZER
	cat >"$1.json" <<-MODEL
		{
		  "name": "$1",
		  "data": "text('text.txt', window=9, overlap=8, tokenizer='$2', test=0)",
		  "encoder": ["embedding(vocab, 16)", "learned_positions", "residual(attention(2, causal=1))", "layer_norm"],
		  "head": ["linear(vocab)"],
		  "define": {"model(x)": "head(encoder(x))"},
		  "loss": "cross_entropy(model(slice(x, 1, 0, 8)), slice(x, 1, 1, 9))",
		  "features": "mean(encoder(slice(x, 1, 0, 8)), 1)",
		  "generate": "model(slice(x, 1, 0, 8))",
		  "optimizer": "adam(0.01)",
		  "train": {"epochs": 150, "batch": 4}
		}
	MODEL
}
model chars chars
"$sslc" run chars.json --quiet
"$sslc" generate chars.json --prompt 'the ' --tokens 20 --temperature 0 >out
printf 'the cat sat; a dog ran.\n\n' | cmp - out || die "the text was not learned: $(cat out)"
"$sslc" generate chars.json --prompt 'the ' --tokens 40 --temperature 5 --seed 7 >a
"$sslc" generate chars.json --prompt 'the ' --tokens 40 --temperature 5 --seed 7 --threads 1 >b
"$sslc" generate chars.json --prompt 'the ' --tokens 40 --temperature 5 --seed 8 >c
cmp a b || die "the same seed says something else"
! cmp -s a c || die "another seed says the same"
"$sslc" generate chars.json --prompt 'the ' --tokens 20 --temperature 5 --top-k 1 | cmp - out || die "top-k 1 is not the likeliest"
# What was found of earlier places is what the whole context gives, however it slides; so of a recurrence.
sed 's/"chars"/"carried"/; s/"learned_positions", "residual(attention(2, causal=1))"/"gru(16)"/' chars.json >carried.json
"$sslc" run carried.json --quiet --epochs 5
for name in chars carried; do
	"$sslc" dump --function=generate.next --stage=elaborate $name.json | grep -q 'input past' || die "$name.json forgets"
	for how in '--seed 7' '--slide 3 --seed 8' '--slide 7' '--slide 100 --top-k 3'; do
		"$sslc" generate $name.json --prompt 'a dog ran' --tokens 60 --temperature 5 $how >a
		"$sslc" generate $name.json --prompt 'a dog ran' --tokens 60 --temperature 5 $how --no-cache >b
		cmp a b || die "$name.json $how says something else without its memory"
	done
done
# What looks ahead has no such function, and is asked for all places.
sed 's/"chars"/"ahead"/; s/, causal=1//' chars.json >ahead.json
"$sslc" run ahead.json --quiet --epochs 1
"$sslc" dump --function=generate.next ahead.json >out 2>&1 && die "a model that looks ahead is asked for one place"
"$sslc" generate ahead.json --prompt 'the ' --tokens 20 >out

"$sslc" run chars.json --quiet --resume || die "a run is not resumed"

printf 'the cat sat; a dog run?\n' >text.txt # as many characters, other ones
"$sslc" generate chars.json >out 2>&1 && die "a checkpoint of other characters is taken"
grep -q 'other tokens than the data has now' out || die "$(cat out)"
"$sslc" run chars.json --quiet --resume >out 2>&1 && die "a run with other characters is resumed"
grep -q 'other tokens than the data has now' out || die "$(cat out)"

for i in 1 2 3; do printf 'the cat sat; a dog ran.\n'; done >text.txt
"$sslc" tokenizer text.txt --size 270 --out tokens.json >out
grep -q '^270 tokens of 72 bytes of text in tokens.json$' out || die "$(cat out)"
model merged tokens.json
"$sslc" run merged.json --quiet
"$sslc" generate merged.json --prompt 'the' --tokens 6 --temperature 0 >out
grep -q '^the cat sat' out || die "$(cat out)"

# A terminal is not controlled by what a model says; a pipe gets the bytes.
for i in 1 2 3; do printf 'a\033[31m\007'; done >text.txt
model red bytes
"$sslc" run red.json --quiet
"$sslc" generate red.json --prompt a --tokens 6 --temperature 0 | od -c | grep -q '033   \[   3   1   m  \\a' || die "bytes are changed"
script -qec "$sslc generate red.json --prompt a --tokens 6 --temperature 0" /dev/null >out </dev/null
grep -q '^a\\x1b\[31m\\x07' out || die "a terminal is controlled: $(od -c out)"
script -qec "$sslc generate red.json --prompt a --tokens 6 --temperature 0 --raw" /dev/null >out </dev/null
od -c out | grep -q '033   \[   3   1   m  \\a' || die "--raw is not: $(od -c out)"
