#!/bin/sh
# "names": checkpoints as torchvision's ResNet-18, and a small vision transformer of timm, torchvision and transformers, name and
# lay out their weights (tests/oracle/exchange/checkpoint.py makes the numbers, NET.keys.txt is PyTorch's state_dict) give the
# outputs that PyTorch computed (NET.npy, by make.py), to 1e-5; written again, they are the same tensors to the bit. Then misuse.
# usage: exchange.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
oracle=$root/tests/oracle/exchange
python=/usr/bin/python3
$python -c 'import numpy' 2>/dev/null || { echo "SKIPPED: this needs Debian's python3-numpy"; exit 77; }
export PYTHONDONTWRITEBYTECODE=1
cp "$oracle"/*.json "$oracle"/images.npy .

both_ways() { # NET MODEL TABLE
	$python "$oracle/checkpoint.py" "$oracle/$1.keys.txt" theirs.safetensors
	"$sslc" features $2.json --checkpoint theirs.safetensors --names $3 --split train --out y.npy >out
	$python - "$oracle/$1.npy" y.npy <<'PYTHON' || die "$1: other outputs than PyTorch"
import numpy, sys
truth, y = map(numpy.load, sys.argv[1:])
assert truth.shape == y.shape, y.shape
wrong = abs(truth - y).max() / abs(truth).max()
sys.exit(None if wrong <= 1e-5 else f"differs by {wrong}")
PYTHON
	"$sslc" run still-$2.json --init theirs.safetensors --names $3 --steps 1 --out run-$1 >said
	grep -q '^init  *\([0-9]*\) of \1 states from theirs.safetensors$' said || die "$1: $(grep init said)"
	"$sslc" export $2.json --checkpoint run-$1/checkpoint.safetensors --names $3 --out again.safetensors >out
	$python "$oracle/checkpoint.py" --same theirs.safetensors again.safetensors || die "$1: it is not what was read"
}
for model in vit resnet18; do # a step that moves nothing
	sed 's/"train": /"freeze": ["encoder"], "optimizer": "sgd(lr=0)", &/' $model.json >still-$model.json
done
both_ways vit-timm vit timm
both_ways vit-torchvision vit torchvision
both_ways vit-transformers vit transformers
both_ways torchvision resnet18 torchvision

# -- What is printed reads back -----------------------------------------------------------------------------------------------
"$sslc" dump --stage=parse vit.json >printed.json
for table in timm transformers; do
	"$sslc" check vit.json --names $table | sed -n "/^$table /,\$p" >want
	"$sslc" check printed.json --names $table | sed -n "/^$table /,\$p" >got
	[ $(wc -l <want) -gt 40 ] && cmp want got || die "the printed model has other names"
done

# -- Parts, other types, other files -----------------------------------------------------------------------------------------
$python - "$oracle" <<'PYTHON'
import sys
import numpy
sys.path.insert(0, sys.argv[1])
import checkpoint
tensors = {k[0]: checkpoint.tensor(*k) for k in checkpoint.keys(sys.argv[1] + "/vit-transformers.keys.txt")}
write = lambda path, t: checkpoint.write(path, t)
write("theirs.safetensors", tensors)
write("headless.safetensors", {n: t for n, t in tensors.items() if "classifier" not in n} | {"pooler": numpy.zeros(3, numpy.int64)})
write("torn.safetensors", {n: t for n, t in tensors.items() if n != "vit.layers.1.attention.k_proj.bias"})
write("other.safetensors", tensors | {"classifier.bias": numpy.zeros(11, numpy.float32)})
write("nan.safetensors", tensors | {"classifier.bias": numpy.full(10, numpy.nan, numpy.float32)})
write("stranger.safetensors", {"a": numpy.zeros(3, numpy.float32)})

def rounded(path, dtype, bits):  # half the bytes a number: the header by hand
    import json, struct
    header, body = {}, b""
    for name, t in tensors.items():
        data = bits(t)
        header[name] = {"dtype": dtype, "shape": list(t.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + body)

halves = {n: t.astype(numpy.float16) for n, t in tensors.items()}
halves["classifier.bias"][:5] = [0, -0.0, 6e-8, -6.0e-5, 65504]  # zeros, two that are not normal, the largest
rounded("half.safetensors", "F16", lambda t, names=iter(halves): halves[next(names)].tobytes())
rounded("brain.safetensors", "BF16", lambda t: (t.view(numpy.uint32) >> 16).astype(numpy.uint16).tobytes())
rounded("wide.safetensors", "F64", lambda t: t.astype(numpy.float64).tobytes())
write("half.truth", {n: t.astype(numpy.float32) for n, t in halves.items()})
write("brain.truth", {n: (t.view(numpy.uint32) >> 16 << 16).astype(numpy.uint32).view(numpy.float32) for n, t in tensors.items()})
write("wide.truth", tensors)
PYTHON
for type in half brain wide; do
	"$sslc" run still-vit.json --init $type.safetensors --names transformers --steps 1 --out $type --quiet
	"$sslc" export vit.json --weights $type/checkpoint.safetensors --names transformers --out again.safetensors >out
	$python "$oracle/checkpoint.py" --same $type.truth again.safetensors || die "$type"
done
"$sslc" run still-vit.json --init headless.safetensors --names transformers --steps 1 --out headless >said
grep -q '^init        42 of 44 states from headless.safetensors; random: head.0.w, head.0.b; of no use: pooler$' said || die "$(grep init said)"
part() { # NAME LAYERS: a model with a decoder of so many layers
	layers=$(seq "$2" | sed 's/.*/"linear(8)"/' | paste -sd,)
	printf '{"data": "normal(8, 8)", "train": {"epochs": 1, "batch": 8}, "encoder": ["linear(8)"], ' >$1.json
	printf '"decoder": [%s], "loss": "mean(decoder(encoder(x))^2)"}\n' "$layers" >>$1.json
}
part one 1 && part two 2 && part many 60
"$sslc" run one.json --out one >said
! grep '^init' said || die "nothing was to begin with"
"$sslc" run one.json --init one/checkpoint.safetensors --out same >said
grep -q '^init        4 of 4 states from one/checkpoint.safetensors$' said || die "$(grep init said)"
"$sslc" run two.json --init one/checkpoint.safetensors --out two >said
grep -q '^init        4 of 6 states from one/checkpoint.safetensors; random: decoder.1.w, decoder.1.b$' said || die "$(grep init said)"
"$sslc" run many.json --init one/checkpoint.safetensors --out many >said
named=$(grep '^init  *4 of 122 states ' said | grep -o 'decoder\.[0-9]*\.[wb]' | sort -u | wc -l)
[ "$named" -gt 20 ] && grep -q "^init .* and $((118 - named)) more$" said || die "$named named: $(grep init said)"

# -- Misuse ------------------------------------------------------------------------------------------------------------------
. "$root/tests/end-to-end/shared/refused.sh"
at_init="vit.json --quiet --names transformers --init"
refused 1 run $at_init torn.safetensors <<'END'
sslc: error: torn.safetensors has no 'vit.layers.1.attention.k_proj.bias', but others of 'encoder.1.1.attention.linear.b'
END
refused 1 run $at_init other.safetensors <<'END'
sslc: error: 'classifier.bias' is f32[11] in other.safetensors, but 'head.0.b' of the model makes it f32[10]
  help: the networks must have the same layers; sslc check --names transformers lists both shapes
END
refused 1 run $at_init nan.safetensors <<'END'
sslc: error: 'head.0.b' from nan.safetensors holds a number that is not finite, at index 0
  help: these are the weights of a training that diverged
END
refused 1 run $at_init stranger.safetensors <<'END'
sslc: error: stranger.safetensors has no tensor that the names of 'transformers' look for
  help: sslc check --names transformers lists them
END
refused 1 features vit.json --names transformers --checkpoint headless.safetensors <<'END'
sslc: error: headless.safetensors has no 'classifier.weight', which is 'head.0.w' of the model
  help: sslc check --names transformers lists all that are looked for
END
refused 1 check vit.json --names transformer <<'END'
error: the model has no table of names 'transformer'
  help: did you mean 'transformers'?
END
refused 2 run vit.json --names timm <<'END'
sslc: error: --names TABLE is of the file of --init, which is not given
END
refused 2 export vit.json --names timm --batch 3 <<'END'
sslc: error: --names TABLE writes weights, and takes no --batch
END
refused 4 export vit.json --names timm --weights half/checkpoint.safetensors --out none/x.safetensors <<'END'
sslc: note: the weights of half/checkpoint.safetensors are of another text of this model, which differs from line 75 on
sslc: error: cannot write 'none/x.safetensors': No such file or directory
END
rules() { # the table of a model with the states encoder.0.w [20,8], encoder.0.b
	printf '{\n  "data": "normal(64, 20)",\n  "encoder": ["linear(8)"],\n  "loss": "mean(encoder(x)^2)",\n' >rules.json
	printf '  "names": {"other": {\n    %s\n  }}\n}\n' "$1" >>rules.json
}
rules '"encoder.0.w": ["w", "transpose([1, 0])"], "encoder.0.c": "b"'
refused 1 check rules.json <<'END'
rules.json:6:49: error: no name has the parts 'encoder.0.c' here
  help: rules see what those before them have made; sslc check lists the names to begin with
END
rules '"encoder.0.w": "b", "encoder.0.b": "b"'
refused 1 check rules.json <<'END'
rules.json:6:40: error: 'encoder.0.w' and 'encoder.0.b' both become 'b'
END
rules '"encoder.0.w": ["w", "2 * x"]'
refused 1 check rules.json --names other <<'END'
rules.json:6:21: error: what makes 'w' of 'encoder.0.w' does more than move its elements
  help: such as transpose, reshape, slice: numbers stay as they are
END
rules '"encoder.0.w": {"upper": ["slice(0, 0, 12)"], "lower": ["slice(0, 11, 20)"]}, "encoder.0.b": null'
$python - "$oracle" <<'PYTHON'
import sys
import numpy
sys.path.insert(0, sys.argv[1])
import checkpoint
checkpoint.write("twice.safetensors", {"upper": numpy.zeros((12, 8), numpy.float32), "lower": numpy.zeros((9, 8), numpy.float32)})
PYTHON
refused 1 run rules.json --names other --init twice.safetensors --quiet <<'END'
sslc: error: of the 160 elements of 'encoder.0.w', 8 are in more than one tensor of theirs
  help: mend the rules of "other" in "names"
END
