#!/bin/sh
# sslc dump: every stage as JSON, which a schema of ours and a validator of others hold, and which says what the text says
# (tests/oracle/dump/check.py); drawings that Graphviz takes, if it is there, with the control flow that LLVM itself draws (flow.py); --diff of stages and of models.
# usage: dump.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
oracle=$root/tests/oracle/dump
python3 -c 'import jsonschema' 2>/dev/null || { echo "SKIPPED: this needs Debian's python3-jsonschema"; exit 77; }

cat >plain.json <<'MODEL'
{
  "data": "normal(16, 24)",
  "encoder": ["reshape([16, 4, 6])", "conv(3, 3)", "batch_norm", "relu", "gru(4)", "flatten"],
  "head": ["linear(24, bias=0)"],
  "loss": "mse(head(dropout(encoder(x), 0.1)), x) + 0 * sum(select(x[0] > 3, infinity, 0))",
  "train": {"batch": 16}
}
MODEL
for stage in $("$sslc" dump --help | sed -n '/^Stages/,/^$/s/^  \([a-z-]*\).*/\1/p'); do
	"$sslc" dump --stage=$stage plain.json >dump.txt
	"$sslc" dump --stage=$stage --json plain.json >dump.json
	python3 "$oracle/check.py" $stage dump.json dump.txt || die "$stage"
	echo $stage >>stages
	"$sslc" dump --stage=$stage --dot plain.json >dump.dot
	! command -v nop >/dev/null || nop dump.dot >dump.nop || die "Graphviz refuses $stage"
	case $stage in
	llvm*) python3 "$oracle/flow.py" $stage dump.dot dump.txt $(command -v opt-19) || die "the flow of $stage" ;;
	asm) [ $(uname -m) != x86_64 ] || python3 "$oracle/flow.py" $stage dump.dot dump.txt || die "the flow of $stage" ;;
	esac
done
[ $(wc -l <stages) -ge 12 ] || die "only these stages: $(cat stages)"

# -- What differs --------------------------------------------------------------------------------------------------------
"$sslc" dump --stage=fold --diff=fold plain.json | tail -n 1 >said
grep -q '^0 gone, 0 new, 0 with other operands, [0-9]* the same$' said || die "a stage and itself: $(cat said)"
# Every line of both texts is in one of the four numbers.
for pair in elaborate:autodiff autodiff:simplify simplify:fold autodiff:schedule llvm:llvm-optimized asm:asm; do
	"$sslc" dump --stage=${pair%:*} plain.json | grep -v '^graph ' >a
	"$sslc" dump --stage=${pair#*:} plain.json | grep -v '^graph ' >b
	"$sslc" dump --stage=${pair%:*} --diff=${pair#*:} plain.json >diff
	set -- $(tail -n 1 diff | tr -dc '0-9 ')
	[ $(($1 + $3 + $4)) = $(wc -l <a) ] && [ $(($2 + $3 + $4)) = $(wc -l <b) ] || die "$pair: $(tail -n 1 diff)"
	[ $(grep -c '^- ' diff) = $(($1 + 1)) ] && [ $(grep -c '^+ ' diff) = $(($2 + 1)) ] || die "$pair: lines"
	[ $(grep -c '^< ' diff) = $3 ] && [ $(grep -c '^> ' diff) = $3 ] || die "$pair: operands"
done
model() { printf '{\n  "data": "normal(4, 3)",\n  "define": {"f(x)": "%s"},\n  "loss": "mean(f(x))",\n  "features": "x"\n,"train":{"batch":4},"encoder":["linear(1)"]}\n' "$2" >$1.json; }
small() { printf '{"data": "normal(4, 3)", "net": ["linear(2)"], "loss": "mean(%s)", "features": "net(x)", "train": {"batch": 4}}\n' "$2" >$1.json; }
small one 'exp(net(x)) - net(x)'
small two 'net(x) - exp(net(x))'
small three 'exp(net(x)) - tanh(net(x))'
"$sslc" dump --function=features one.json --diff=two.json | tail -n 1 >said
grep -q '^0 gone, 0 new, 0 with' said || die "features are the same: $(cat said)"
"$sslc" dump --function=loss one.json --diff=two.json | sed 's/  *#.*//' >said
cat >want <<'END'
- loss of one.json after elaborate
+ loss of two.json after elaborate
  ... 7 the same
<   %8 = sub %7 %6 : f32[4,2]
>   %8 = sub %6 %7 : f32[4,2]
  ... 6 the same
0 gone, 0 new, 1 with other operands, 13 the same
END
diff want said || die "operands that changed places"
"$sslc" dump --function=loss one.json --diff=three.json | sed 's/  *#.*//' >said
cat >want <<'END'
- loss of one.json after elaborate
+ loss of three.json after elaborate
  ... 7 the same
+   %8 = tanh %6 : f32[4,2]
<   %8 = sub %7 %6 : f32[4,2]
>   %9 = sub %7 %8 : f32[4,2]
  ... 6 the same
0 gone, 1 new, 1 with other operands, 13 the same
END
diff want said || die "a node more"

code=0
"$sslc" dump one.json --diff=folt 2>err || code=$?
[ $code = 2 ] && grep -q "unknown stage 'folt'" err || die "a stage that is none: $code"
code=0
"$sslc" dump one.json --diff=none.json >out 2>err || code=$?
[ $code = 1 ] && grep -q "cannot read the model file 'none.json'" err || die "a model that is not there: $code"
code=0
"$sslc" dump one.json --json --dot 2>err || code=$?
[ $code = 2 ] && grep -q 'three ways to print' err || die "two ways: $code"

for how in "--stage=elaborate" "--stage=llvm" "--stage=asm --dot" "--stage=plan --json"; do
	code=0
	"$sslc" dump one.json $how >/dev/full 2>err || code=$?
	[ $code = 4 ] && grep -q '^sslc: error: cannot write the output: No space left on device$' err || {
		cat err
		die "$how to a full disk: $code"
	}
done

# A list takes the value that flows as x, whether or not it names it.
list() { # PARAMETERS
	cat <<-END
		{"name": "list", "data": "normal(40, 6)", "define": {"augment$1": ["gaussian_noise(0.1)", "twice(tanh, x)"], "twice(x, f(), y)": "f(f(x)) + y"},
		 "encoder": ["augment(rate=1)"], "decoder": ["linear(6)"], "loss": "mse(decoder(encoder(x)), augment(x, 1))", "train": {"batch": 20}}
	END
}
for names in '(rate)' '(x, rate)'; do
	list "$names" >list.json
	"$sslc" dump --stage=elaborate list.json | sed 's/ *# .*//' >"graph$names"
done
cmp 'graph(rate)' 'graph(x, rate)' || die "a list that names x is another one"
