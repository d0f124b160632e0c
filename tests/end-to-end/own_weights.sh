#!/bin/sh
# Every use of a defined layer has weights of its own, however it is called; a network keeps its weights over its uses.
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
    "argument(x, f())": {"a": "f(x)", "b": "f(x)", "y": "a + b"}
  },
  "encoder": ["first_given", "first_missing", "chain", "argument(dense(20))"],
  "loss": "mse(encoder(encoder(x)), x)",
  "train": {"batch": 64}
}
END
"$sslc" check model.json >said
grep -q '^parameters  3200$' said || { grep -e '^parameters' -e 'pre-training$' said; exit 1; }
