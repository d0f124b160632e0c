#!/bin/sh
# A folder of pictures: decoded at once or when a batch wants them, after any kill, the same bits; damaged files are
# left out or stop the run, by name; copies and groups.
# usage: images.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
oracle=$root/tests/oracle/images
fail() {
	echo "$*"
	exit 1
}

mkdir -p pictures/png pictures/jpeg
for i in 1 2 3; do # the same sample under three names
	for file in "$oracle"/*.png; do cp "$file" "pictures/png/$(basename "$file" .png)-$i.png"; done
	for file in "$oracle"/*.jpg; do cp "$file" "pictures/jpeg/$(basename "$file" .jpg)-$i.jpg"; done
done
echo words >pictures/README
pngs=$(ls pictures/png | wc -l)
files=$((pngs + $(ls pictures/jpeg | wc -l)))

model() { # FILE ARGUMENTS
	cat >"$1" <<-MODEL
		{
		  "name": "pictures",
		  "data": "images('pictures', size=16, skip='README'$2)",
		  "pretext": {"noisy": "gaussian_noise(x)"},
		  "encoder": ["flatten", "linear(32)", "relu"],
		  "decoder": ["linear(768)"],
		  "loss": "mse(decoder(encoder(noisy)), flatten(x))",
		  "optimizer": "adam(lr=0.001)",
		  "train": {"epochs": 60, "batch": 16, "seed": 5}
		}
	MODEL
}
losses() { sed 's/, "seconds": [^,}]*//' "$1/metrics.jsonl"; }
same() { # FOLDER: as in full/
	losses full >want
	losses "$1" >got
	diff want got || fail "$1: other losses"
	cmp full/features.npy "$1/features.npy" || fail "$1: other features"
}

model full.json ""
model stream.json ", memory=0"
"$sslc" run full.json --quiet --out full
"$sslc" run stream.json --quiet --out stream
same stream
"$sslc" run stream.json --quiet --threads 1 --out thread
same thread

lines() { if [ -f "$1" ]; then wc -l <"$1"; else echo 0; fi; }
for at in 1 30; do
	"$sslc" run stream.json --quiet --save-every 0 --out kill$at 2>/dev/null &
	pid=$!
	while [ "$(lines kill$at/metrics.jsonl)" -lt $at ] && kill -0 $pid 2>/dev/null; do sleep 0.005; done
	kill -KILL $pid 2>/dev/null || true
	{ wait $pid; } 2>/dev/null || true
	if [ -f kill$at/checkpoint.safetensors ]; then
		"$sslc" run stream.json --quiet --resume --out kill$at
		same kill$at
	fi
done

# A folder in which a file has another name, or the bytes of another, is not what the run began with.
"$sslc" run stream.json --quiet --steps 5 --out changed
refused() { # WHAT
	"$sslc" run stream.json --quiet --resume --out changed 2>said && fail "resumes after $1"
	grep -q "other samples than the data has now" said || { cat said; fail "another error after $1"; }
}
one=$(ls pictures/png/* | head -1)
mv "$one" pictures/png/zz.png
refused "a file was renamed"
mv pictures/png/zz.png "$one"
cp "$one" kept.png
cp "$(ls pictures/png/* | tail -1)" "$one"
refused "a picture was changed"
cp kept.png "$one"
"$sslc" run stream.json --quiet --resume --out changed
same changed

says() { # WORDS MODEL: a report or a note has them
	"$sslc" run "$2" --steps 1 --out says >said 2>&1 || { cat said; fail "$2 does not run"; }
	grep -q -- "$1" said || { cat said; fail "$2: not '$1'"; }
}
says "label i32\[\], 2 classes" full.json
copies=$((files * 2 / 3 + 1)) # CMYK with and without its marker is the same picture
model copies.json ", copies='drop', test=0"
says "$copies copies of other samples are left out" copies.json
model copies_stream.json ", copies='drop', test=0, memory=0"
says "$copies copies of other samples are left out" copies_stream.json
model held.json ", hold_out='png'"
says "$((files - pngs)) train, $pngs test" held.json
sed -i 's/, skip=.README.//' full.json
says "1 file is neither PNG nor JPEG" full.json

# A group is never in both splits: copies of a picture share all but their number.
model group.json ", group='-', test=0.3, copies='drop'"
says "copies of other" group.json
model group_kept.json ", group='-', test=0.3"
says " train, " group_kept.json
test=$(sed -n 's/.* train, \([0-9]*\) test.*/\1/p' said)
[ "$test" -gt 0 ] && [ $((test % 3)) = 0 ] || fail "$test samples of groups of three are held out"

# A CSV file says which files, in any order, and what they are.
printf 'name,label\njpeg/grey-1.jpg,b\npng/rgb-1.png,a\njpeg/colour-1.jpg,c\npng/one-1.png,a\n' >labels.csv
model csv.json ", labels='labels.csv', test=0"
sed -i 's/"batch": 16/"batch": 4/' csv.json
says "4 train, 0 test: x u8\[16,16,3\] label i32\[\], 3 classes" csv.json
printf 'jpeg/grey-1.jpg,\npng/rgb-1.png,a\njpeg/colour-1.jpg,\npng/one-1.png,c\n' >labels.csv
says "4 train (2 without a label), 0 test: x u8\[16,16,3\] label i32\[\], 2 classes" csv.json
model folder.json ", unlabelled='png'"
says "without a label), .*, 1 classes" folder.json

cp "$oracle/broken/cut.jpg" pictures/jpeg/a.jpg
cp "$oracle/broken/crc.png" pictures/png/a.png
ln -s nowhere pictures/png/b.png
"$sslc" run stream.json --quiet --out broken 2>said && fail "a damaged file was trained on"
grep -q "pictures/.*/a\....' is no whole .*; corrupt='skip' leaves such files out" said || { cat said; fail "not named"; }
model skip.json ", corrupt='skip', memory=0"
says "3 damaged files are left out, as 'pictures/jpeg/a.jpg' is no whole JPEG" skip.json
