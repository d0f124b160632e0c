#!/bin/sh
# The words nearest to others are NumPy's (tests/oracle/nearest), and what cannot be looked for is said.
# usage: nearest.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
cp "$root/tests/oracle/text/corpus.txt" "$root/tests/oracle/text/ours.json" .
cat >words.json <<'MODEL'
{
  "name": "words",
  "data": "text('corpus.txt', window=8, tokenizer='ours.json')",
  "encoder": ["token_embedding(539, 12)"],
  "context": ["token_embedding(539, 12)"],
  "loss": "skip_gram_loss(encoder(x), context(x), reshape(context(x), [dim(x, 0), 8, 1, 12]), is_near(is_token(x, length), 2))",
  "features": "pool_tokens(encoder(x), is_token(x, length))",
  "vectors": "encoder(iota([539]))",
  "optimizer": "sgd(0)",
  "train": {"epochs": 1, "batch": 4}
}
MODEL
"$sslc" run words.json --init "$root/tests/oracle/nearest/vectors.safetensors" --quiet
grep '^\$ ' "$root/tests/oracle/nearest/want.txt" | while read -r _ words; do
	echo "\$ $words"
	"$sslc" nearest words.json $words --words 4
done >got.txt
diff "$root/tests/oracle/nearest/want.txt" got.txt || die "the nearest words are others"

refused() { # CODE WORDS: MESSAGE on stdin
	code=0
	"$sslc" nearest words.json $2 >out 2>&1 || code=$?
	[ "$code" = "$1" ] || die "exit $code of nearest $2"
	cat >want
	grep -qF "$(cat want)" out || die "nearest $2: $(cat out)"
}
refused 1 'the +' <<-'SAYS'
	a word is missing behind '+'
SAYS
refused 1 '- the' <<-'SAYS'
	a word is missing before '-'
SAYS
refused 1 'the + - of' <<-'SAYS'
	a word is missing behind '+'
SAYS
refused 2 '' <<-'SAYS'
	sslc nearest needs words
SAYS
"$sslc" nearest words.json --words 1000 the >out
[ "$(wc -l <out)" = 539 ] || die "not all tokens but the word's own"
sed -i '/"vectors"/d' words.json
refused 1 the <<-'SAYS'
	the model has no vectors of words: no "vectors"
SAYS
