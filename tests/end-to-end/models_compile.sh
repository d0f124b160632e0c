#!/bin/sh
# Every model file of models/, and every complete one in models/README.md, passes sslc check; every stage of the smallest
# one can be dumped; the gradients of models with all prelude losses and layers agree with central differences.
# usage: models_compile.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
icons=/usr/share/icons
for model in "$root"/models/*.json "$root"/models/vision/*.json; do
	if grep -q "$icons" "$model" && ! { [ -d $icons/oxygen ] && [ -d $icons/mate ]; }; then
		echo "SKIPPED: $model: apt-get install oxygen-icon-theme mate-icon-theme gnome-icon-theme adwaita-icon-theme lxde-icon-theme"
		continue
	fi
	"$sslc" check "$model" >out 2>&1 || { echo "check $model:"; cat out; exit 1; }
done
# Those of text read what models/text/glosses.py makes; here some lines stand in for it.
mkdir -p text/data
awk 'BEGIN { for (i = 0; i < 26000; i++) printf "%s\ta thing of kind %d, number %d of many\n", i % 26 ? "topic" i % 26 : "other", i % 26, i }' >text/data/train.tsv
tail -n 300 text/data/train.tsv >text/data/test.tsv
cut -f2 text/data/train.tsv >text/data/train.txt
"$sslc" tokenizer text/data/train.txt --size 300 --out text/data/tokens.json >/dev/null
cp "$root"/models/text/*.json text
for model in text/*.json; do
	"$sslc" check "$model" >out 2>&1 || { echo "check $model:"; cat out; exit 1; }
done
awk '/^```json$/ { n++; file = sprintf("readme%02d.json", n); inside = 1; next } /^```/ { inside = 0 } inside { print > file }' "$root/models/README.md"
for model in readme*.json; do
	"$sslc" check "$model" >out 2>&1 || { echo "models/README.md, $model:"; cat "$model" out; exit 1; }
done
# of recordings that need not be there: others
for model in "$root"/models/speech/*.json; do
	sed "s|audio('[^']*'|audio('$root/tests/oracle/sound/words', hop=0.001|; s|, hop=0.64||; s|'words.csv'|'name'|; s|it_IT_m_Carlo|bob|; s|.labels.: 1,||" "$model" >speech.json
	"$sslc" check speech.json >out 2>&1 || { echo "check $model:"; cat out; exit 1; }
done
# of series, of which models/series/watch.py makes the table: one of the same columns
mkdir -p series/data
awk 'BEGIN {
	print "subject,side,exercise,ax,ay,az,wx,wy,wz"
	for (i = 0; i < 40000; i++) printf "%d,0,e%d,%d,1,2,3,4,5\n", 1 + int(i / 4000), int(i / 500) % 7, i % 50
}' >series/data/watch.csv
cp "$root"/models/series/*.json series
for model in series/*.json; do
	"$sslc" check "$model" >out 2>&1 || { echo "check $model:"; cat out; exit 1; }
done
# of pairs, which models/pairs/stamps.py finds: one picture and one recording under many names
mkdir -p pairs/data pairs/stamps
echo recording,kind,sentence >pairs/data/spoken.csv
echo stamp,sentence >pairs/data/pictures.csv
for i in $(seq 200); do
	cp "$root/tests/oracle/sound/words/ada/sure/yes.wav" "pairs/stamps/$i-es.ogg"
	cp "$root/tests/oracle/images/rgb.png" "pairs/stamps/$i.png"
	echo "$i-es,$i,yes" >>pairs/data/spoken.csv
	echo "$i,thing $i" >>pairs/data/pictures.csv
done
cp text/data/tokens.json pairs/data
for model in "$root"/models/pairs/*.json; do
	sed "s|/usr/share/tuxpaint/||; s|, only='[^']*'||" "$model" >pairs/model.json
	"$sslc" check pairs/model.json >out 2>&1 || { echo "check $model:"; cat out; exit 1; }
done
for stage in parse elaborate autodiff simplify fold normalize split hoist tidy schedule plan llvm llvm-optimized asm; do
	"$sslc" dump --stage=$stage "$root/models/autoencoder.json" >out 2>&1 || { echo "dump $stage"; cat out; exit 1; }
	[ -s out ] || { echo "dump $stage is empty"; exit 1; }
done
"$sslc" dump --stage=parse "$root/models/vision/byol-fashion.json" >again.json
"$sslc" dump --stage=parse again.json | cmp again.json - || { echo "a printed model does not read back"; exit 1; }
"$sslc" grad "$root/models/autoencoder.json" >out 2>&1 || { echo "grad"; cat out; exit 1; }
cat >mixed.json <<'MODEL'
{
  "data": "normal(24, 12, seed=3)",
  "encoder": ["linear(9)", "layer_norm", "gelu", "linear(8)", "batch_norm", "silu", "residual([linear(8), tanh])", "rms_norm"],
  "projector": ["linear(7)", "softplus", "linear(6)"],
  "decoder": ["linear(12)", "elu"],
  "pretext": {"a": "gaussian_noise(x, 0.1)", "b": "mask(x, 0.2)"},
  "loss": "mse(decoder(encoder(a)), x) + huber(decoder(encoder(b)), x) + nt_xent(projector(encoder(a)), projector(encoder(b))) + 0.1 * vicreg(projector(encoder(a)), projector(encoder(b))) + barlow_twins(projector(encoder(a)), projector(encoder(b))) + info_nce(projector(encoder(a)), projector(encoder(b))) + bce(decoder(encoder(a)), sigmoid(x))",
  "optimizer": "clipped(1, adamw(lr=cosine(0.001)))",
  "train": {"epochs": 2, "batch": 24}
}
MODEL
"$sslc" grad mixed.json >out 2>&1 || { echo "grad of mixed.json"; cat out; exit 1; }
"$sslc" run mixed.json --quiet --out mixed

# a state that was set is read again by the second call of its network: its axes are still a state's
cat >twice.json <<'MODEL'
{
  "data": "normal(64, 12)",
  "define": {"f(x)": {"r": "state([dim(x, -1)], zeros)", "before": "x - r", "set r": "0.9 * r + 0.1 * mean(x, leading_axes(x))", "y": "before"}},
  "encoder": ["f", "linear(4)"],
  "loss": "mean(encoder(x)^2) + mean(encoder(x))",
  "train": {"epochs": 1, "batch": 8}
}
MODEL
"$sslc" check twice.json >out 2>&1 || { echo "check of twice.json"; cat out; exit 1; }
