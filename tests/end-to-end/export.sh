#!/bin/sh
# sslc export: onnx.checker accepts the file, and what NumPy computes from it (tests/oracle/onnx/evaluate.py) are the features
# of `sslc features`, at any batch; a small file as text; one error for each misuse. tests/oracle/onnx/check.py does the same
# for all models by ONNX Runtime.
# usage: export.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
oracle=$root/tests/oracle/onnx
python=/usr/bin/python3
if ! $python -c 'import onnx, numpy' 2>/dev/null; then
	echo "SKIPPED: this needs Debian's python3-onnx (tools/install.sh tests)"
	exit 77
fi
export PYTHONDONTWRITEBYTECODE=1

# -- The same numbers as sslc features ------------------------------------------------------------------------------
$python - <<'PYTHON'
import numpy
random = numpy.random.default_rng(0)
numpy.save("x.npy", random.integers(0, 256, (29, 28, 28)).astype(numpy.uint8))
numpy.save("tokens.npy", random.integers(0, 20, (29, 9)).astype(numpy.int32))
numpy.save("scans.npy", random.normal(size=(29, 24)).astype(numpy.float32))
numpy.save("small.npy", random.integers(0, 256, (29, 6, 5)).astype(numpy.uint8))
PYTHON
cat >small.json <<'MODEL'
{
  "data": "npy('small.npy', test=0)",
  "encoder": ["reshape([batch, 6, 5, 1])", "conv(2, 3, stride=2)", "batch_norm", "relu", "mean_pool", "linear(4)", "softmax"],
  "loss": "mean(encoder(x)^2)",
  "train": {"batch": 12}
}
MODEL
cp "$oracle/images.json" "$oracle/tokens.json" .
sed "s/normal(520, 24, seed=0)/npy('scans.npy', test=0)/; s/\"batch\": 64/\"batch\": 12/" "$oracle/scans.json" >scans.json
compare() { # MODEL DATA
	"$sslc" run $1.json --steps 2 --quiet --out run-$1
	"$sslc" features $1.json --split train --checkpoint run-$1/checkpoint.safetensors --out features.npy >out
	"$sslc" export $1.json --weights run-$1/checkpoint.safetensors --out $1.onnx >out
	for range in 0:1 3:8 0:29; do
		$python - $2.npy features.npy $range <<'PYTHON'
import numpy, sys
first, last = map(int, sys.argv[3].split(":"))
for name in sys.argv[1:3]:
    numpy.save("part-" + name, numpy.load(name)[first:last])
PYTHON
		$python "$oracle/evaluate.py" $1.onnx y.npy x=part-$2.npy
		$python - <<'PYTHON' || die "$1, samples $range"
import numpy, sys
y, truth = numpy.load("y.npy"), numpy.load("part-features.npy")
assert y.dtype == truth.dtype and y.shape == truth.shape, (y.shape, truth.shape)
wrong = abs(y - truth).max() / abs(truth).max()
sys.exit(None if wrong <= 1e-5 else f"differs by {wrong}")
PYTHON
	done
}
compare small small
compare images x
compare tokens tokens
compare scans scans
sed 's|"train":|"features": "encoder(x) + 1 / steps + 1 / epoch_steps",\n  &|' small.json >counted.json
compare counted small
$python "$oracle/evaluate.py" --print small.onnx >small.txt
diff "$oracle/small.txt" small.txt || die "the text of small.onnx is another one"
"$sslc" export small.json --weights run-small/checkpoint.safetensors --out again.onnx >out
cmp small.onnx again.onnx || die "two exports differ"

# -- Misuse ------------------------------------------------------------------------------------------------------------
model() { # NAME, ENCODER AND FEATURES
	printf '{\n  "data": "normal(64, 20)",\n  %s\n  "decoder": ["linear(20)"],\n' "$2" >$1.json
	printf '  "loss": "mse(decoder(encoder(x)), x)",\n  "train": {"epochs": 1, "batch": 16}\n}\n' >>$1.json
	"$sslc" run $1.json --quiet
}
. "$root/tests/end-to-end/shared/refused.sh"
model plain '"encoder": ["linear(8)", "relu"],'
model noisy '"encoder": ["linear(8)"], "features": "encoder(gaussian_noise(x, 0.1))",'
model fixed '"encoder": ["reshape([16, 20, 1])", "flatten", "linear(8)"],'
model whole '"encoder": ["linear(8)"], "features": "encoder(x - mean(x, 0, keep=1))",'
model blind '"encoder": ["linear(8)"], "features": "full([dim(x, 0), 2], 3)",'
cp plain.json new.json
refused 1 export plain.json --function step <<'END'
error: 'step' is no function that can be exported
  help: there are: features (or encode), and loss where it draws no random numbers
END
refused 1 export noisy.json <<'END'
noisy.json:3:50: error: 'random' cannot be written as ONNX: ONNX has no such stream of random bits
END
refused 1 export fixed.json <<'END'
fixed.json:3:16: error: f32[97,20] has 1940 elements, but the shape asked for has 320
  help: this is of the features, which are encoder(x) as the model does not say; say what they are, as in "features": "encoder(f(x))"
  help: this is for a batch of 97: dim(x, 0), or -1 in one place of a shape, is any; --batch N writes it for N samples alone
END
refused 1 export whole.json <<'END'
whole.json:3:54: error: the batch cannot be free: the value of a 'constant' here depends on how many samples it has
  help: --batch N writes it for batches of N samples alone
END
refused 1 export blind.json <<'END'
blind.json:3:42: error: the batch cannot be free: 'features' reads nothing of the data, which would say how many samples there are
  help: --batch N writes it for batches of N samples alone
END
refused 1 export new.json <<'END'
sslc: error: cannot open 'runs/new/checkpoint.safetensors': No such file or directory
  help: sslc run new.json makes it; --checkpoint FILE names another one
END
refused 4 export plain.json --out none/x.onnx <<'END'
sslc: error: cannot write 'none/x.onnx': No such file or directory
END
[ ! -e noisy.onnx ] && [ ! -e fixed.onnx ] || die "a file is left after an error"
"$sslc" export fixed.json --batch 16 >out && "$sslc" export whole.json --batch 5 --function encode >out
"$sslc" export plain.json --function loss --batch 3 >out
$python "$oracle/evaluate.py" --print whole.onnx | grep -q '^output features FLOAT\[5,8\]' || die "--batch 5 is not in the file"
"$sslc" export blind.json --batch 5 >out
$python "$oracle/evaluate.py" blind.onnx y.npy
$python -c 'import numpy; y = numpy.load("y.npy"); assert y.shape == (5, 2) and (y == 3).all(), y' || die "features without inputs"
