#!/bin/sh
# Every use of a defined layer has weights and random numbers of its own, however it is called and whatever it is called; a
# network keeps its weights over its uses.
# usage: own_weights.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
cat >model.json <<'END'
{
  "data": "normal(64, 20)",
  "define": {
    "dense(units)": ["linear(units, bias=0)"],
    "first_given(x)": {"a": "linear(x, 20, bias=0)", "b": "linear(x, 20, bias=0)", "y": "a + b"},
    "first_missing(x)": {"a": "linear(20, bias=0)(x)", "b": "linear(20, bias=0)(x)", "y": "a + b"},
    "chain(x)": {"a": "dense(20)(x)", "b": "dense(20)(x)", "y": "a + b"},
    "argument(x, f())": {"a": "f(x)", "b": "f(x)", "y": "a + b"},
    "repeats(x)": {"a": "repeat(x, 2, dense(20))", "b": "repeat(a, 3, dense(20))", "y": "repeat(b, 1, dense(20))"},
    "choices(x)": {"a": "if(1, dense(20), tanh)(x)", "b": "if(1, dense(20), tanh)(x)", "c": "repeat(a, 1, dense(20))", "y": "b + c"},
    "layer(x)": {"w": "param([20, 20], zeros)", "y": "x @ w"},
    "layer_1(x)": {"w": "param([20, 20], zeros)", "y": "x @ w"},
    "numbered(x)": "layer_1(layer(layer(x)))",
    "numbered_first(x)": "layer(layer(layer_1(layer_1(x))))"
  },
  "encoder": ["first_given", "first_missing", "chain", "argument(dense(20))", "repeats", "choices", "numbered", "numbered_first"],
  "loss": "mse(encoder(encoder(x)), x)",
  "train": {"batch": 64}
}
END
"$sslc" check model.json >said
grep -q '^parameters  9600$' said || { grep -e '^parameters' -e 'pre-training$' said; exit 1; }

# the noise of two repeats is not the same: the squares of their difference are 2 on average
cat >noise.json <<'END'
{
  "data": "normal(1000, 20)",
  "encoder": ["linear(1)"],
  "loss": "mse(repeat(x, 1, gaussian_noise(1)), repeat(x, 1, gaussian_noise(1))) + 0 * mean(encoder(x))",
  "train": {"batch": 1000}
}
END
"$sslc" run noise.json --steps 1 --quiet --out noise
sed 's/.*"loss": \([^,]*\),.*/\1/' noise/metrics.jsonl | awk '$1 < 1.9 || $1 > 2.1 { print "noise of two repeats: " $1; exit 1 }'

# a moving average begins as what it follows, as the teachers of MoCo, BYOL, DINO and data2vec do
cat >teacher.json <<'END'
{
  "data": "normal(64, 20)",
  "encoder": ["linear(30)", "gelu", "linear(10)"],
  "loss": "mse(encoder(x), ema(encoder, 0.99)(x))",
  "train": {"batch": 64}
}
END
"$sslc" run teacher.json --steps 1 --quiet --out teacher
grep -q '"loss": 0,' teacher/metrics.jsonl || die "the teacher is another network at first: $(cat teacher/metrics.jsonl)"

# and so does one of --init, where the file has no average, by our names or another program's
cat >student.json <<'END'
{
  "data": "normal(64, 20)",
  "encoder": ["linear(30)", "gelu", "linear(10)"],
  "loss": "mse(encoder(x), 0)",
  "names": {"other": {"encoder.0": "first", "encoder.2": "last"}},
  "train": {"batch": 64}
}
END
sed -i 's/  "train"/  "names": {"other": {"encoder.0": "first", "encoder.2": "last", "ema": null}},\n  "train"/' teacher.json
"$sslc" run student.json --steps 9 --seed 5 --quiet --out student
"$sslc" export student.json --weights student/checkpoint.safetensors --names other --out other.safetensors >said
"$sslc" run teacher.json --steps 1 --quiet --out ours --init student/checkpoint.safetensors
"$sslc" run teacher.json --steps 1 --quiet --out others --init other.safetensors --names other
for run in ours others; do
	grep -q '"loss": 0,' $run/metrics.jsonl || die "the teacher is not the student of --init: $(cat $run/metrics.jsonl)"
done

# a first value may be one of another parameter's: gains that begin as norms leave the weights as they are
cat >gains.json <<'END'
{
  "data": "normal(64, 20)",
  "define": {
    "weight_norm(x, units)": {
      "v": "param([dim(x, 1), units], xavier_uniform)",
      "n": "norm(v, 0)",
      "g": "param([units], n)",
      "begin": "g / 2",
      "half": "state([units], begin)",
      "y": "concat([x @ (v * (g / n)) - x @ v, reshape(2 * half - n, [1, -1]), reshape(1 - n / sqrt(sum(v^2, 0)), [1, -1])])"
    }
  },
  "encoder": ["weight_norm(10)"],
  "loss": "sum(encoder(x)^2)",
  "features": "x",
  "train": {"batch": 64}
}
END
"$sslc" run gains.json --steps 1 --quiet --out gains
sed 's/.*"loss": \([^,]*\),.*/\1/' gains/metrics.jsonl | awk '!($1 < 1e-9) { print "gains begin elsewhere: " $1; exit 1 }'
sed 's/"g": "param(\[units\], n)"/"m": "n + 0 * normal([units])", "g": "param([units], m)"/' gains.json >drawn.json
! "$sslc" check drawn.json 2>said && grep -q 'a first value is made before there is data' said || die "a draw of the step is no first value: $(cat said)"
