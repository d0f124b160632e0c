#!/bin/sh
# The examples of tests/embed, as a user would build them: C++ on a stream, a microcontroller's main (here, and
# under qemu where that is installed), Python by ctypes, and weights that go from a program to sslc run and back.
# usage: embed.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
here=$root/tests
export SSLC_CACHE=off
cp "$here"/embed/* .

# has TOOL...: whether all are there; says what is not run for lack of one, an error where all must be
has() {
	for tool in "$@"; do
		command -v "$tool" > /dev/null && continue
		echo "embed.sh: what needs $tool is not run"
		[ "${SSLC_TOOLS:-}" != all ] || die "but SSLC_TOOLS=all says that all tools are there"
		return 1
	done
}

"$sslc" compile sensor.json > said || die "cannot compile: $(cat said)"
grep -q '^sensor.o, sensor.h: ' said || die "says: $(cat said)"
[ -z "$(nm -u sensor.o)" ] || die "the object calls $(nm -u sensor.o)"

# the header, by the strictest of C and C++
! grep -q 'enum {' sensor.h || die "an enumeration has no name, which bindgen asks for"
for std in c99 c11 c17; do
	echo '#include "sensor.h"' | cc -std=$std -Wall -Wextra -Wpedantic -Werror -fsyntax-only -xc -
done
# names that are one name in C
cat > alike.json <<'MODEL'
{"data": "normal(8, 4)", "a": ["scale"], "loss": "mse(a(x), x)", "train": {"batch": 4}, "define": {
"scale(x)": {"b_w": "param([4], zeros)", "y": "b(x) * b_w"}, "b(x)": {"w": "param([4], zeros)", "y": "x * w"}}}
MODEL
"$sslc" compile alike.json > said || die "alike: $(cat said)"
echo '#include "alike.h"' | cc -Wall -Werror -fsyntax-only -xc - || die "names that are alike are there twice"
# names that are C's own, or the header's, and a name of the model that is the one of what is in the object
cat > table.csv <<'TABLE'
key,int,loss,class
a,1,2,3
b,4,5,6
c,7,8,9
d,1,0,1
TABLE
cat > embed.json <<'MODEL'
{"data": "joined(csv('table.csv', key='key'), int=csv('table.csv', key='key'), loss=csv('table.csv', key='key'), EOF=csv('table.csv', key='key'), block=csv('table.csv', key='key'))",
"define": {"scale(x)": {"BYTES": "param([3], ones)", "y": "x * BYTES"}}, "BLOCK": ["scale"], "TENSORS": ["scale"], "ERROR": ["scale"],
"loss": "mse(BLOCK(x) + TENSORS(x) + ERROR(EOF), int + loss + block)", "features": "2 * x", "train": {"batch": 3}}
MODEL
"$sslc" compile embed.json > said 2>&1 || die "names of C: $(cat said)"
cat > names.c <<'C'
#include <errno.h>
#include <stdio.h>
#include "embed.h"
EMBED_ALIGNED static unsigned char block[EMBED_BLOCK_BYTES];
int main(void)
{
	float x[EMBED_STEP_INT_COUNT] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, y[EMBED_ENCODE_FEATURES_COUNT], loss[EMBED_STEP_LOSS_COUNT_2];
	int32_t error = embed_init(block, sizeof block, 1, 0);
	error = error ? error : embed_step(block, x, x, x, x, x, loss);
	error = error ? error : embed_encode(block, x, y);
	puts(embed_message(error));
	return error || loss[0] != 0 || y[8] != 18 || embed_find("BLOCK.0.BYTES") != EMBED_BLOCK_0_BYTES;
}
C
cc -std=c99 -Wall -Wextra -Wpedantic -Werror names.c embed.o -o names
./names > said || die "names of C: $(cat said)"
"$sslc" compile embed.json --prefix f0 --out f0.o > /dev/null
for name in embed f0; do
	nm -g --defined-only $name.o | awk '{ print $3 }' | sed "s/^${name}_//" > $name.names
done
cmp embed.names f0.names && ! grep '[_.0-9]k\|call\|json' embed.names || die "names that are the object's own are seen"
# what has no state needs no weights
"$sslc" compile embed.json --only encode --out stateless.o > /dev/null
cat > stateless.c <<'C'
#include "stateless.h"
EMBED_ALIGNED static unsigned char block[EMBED_BLOCK_BYTES];
int main(void)
{
	float x[EMBED_ENCODE_X_COUNT] = {0, 1, 2}, y[EMBED_ENCODE_FEATURES_COUNT];
	return embed_init(block, sizeof block, 1, 0) || embed_encode(block, x, y) || y[2] != 4;
}
C
cc -std=c99 -Wall -Wextra -Werror stateless.c stateless.o -o stateless
./stateless || die "a model without states cannot be called"

# what a block holds lies one behind the other, with all that is in it
"$sslc" compile embed.json --report > said
grep -q 'steps done of tasks' said && die "steps of tasks that there are not: $(cat said)"

# a task beside weights begins as it does alone, not at zero, and that no checkpoint holds it is said
awk 'BEGIN { print "a,b,kind"; for (i = 0; i < 40; i++) printf "%d,%d,%d\n", i % 7, i % 5, i % 2 }' > kinds.csv
cat > task.json <<'MODEL'
{"data": "csv('kinds.csv', label='kind', test=0.5)", "encoder": ["linear(3)"], "loss": "mean(encoder(x)^2)", "train": {"epochs": 1, "batch": 4},
"downstream": {"probe": {"freeze": ["encoder"], "head": ["linear(5)", "tanh", "linear(2)"], "loss": "cross_entropy(head(encoder(x)), label)"}}}
MODEL
"$sslc" run task.json --no-downstream --quiet
"$sslc" compile task.json --functions probe --prefix alone --out alone.o > /dev/null
"$sslc" compile task.json --functions probe --prefix given --out given.o --weights runs/task/checkpoint.safetensors > /dev/null 2> said
"$sslc" compile task.json --functions probe --prefix alone --out alone.o --report > report
awk '$3 == "head:" { at = 64 } /^ *[0-9]+ +[0-9]+  / && at { if ($1 < at - 64 || $1 >= at + 64) bad = 1; at = $1 + $2; lines++ } /steps done of tasks i32\[1\]/ { seen = $2 == 4 } \
	/scratch/ { exit } END { exit bad || !seen || lines < 5 }' report || die "the block has other parts: $(cat report)"
grep -q "^sslc: note: probe.head.0.w is of the task 'probe', which no checkpoint of pre-training holds: it begins random$" said || die "says: $(cat said)"
cat > begin.c <<'C'
#include <string.h>
#include "alone.h"
#include "given.h"
ALONE_ALIGNED static unsigned char alone[ALONE_BLOCK_BYTES];
GIVEN_ALIGNED static unsigned char given[GIVEN_BLOCK_BYTES];
int main(void)
{
	float a[15], b[15], none[15] = {0};
	return alone_init(alone, sizeof alone, 0, 0) || given_init(given, sizeof given, 0, 0) ||
	       alone_read(alone, ALONE_probe_head_0_w, a, sizeof a) || given_read(given, GIVEN_probe_head_0_w, b, sizeof b) ||
	       memcmp(a, b, sizeof a) != 0 || memcmp(a, none, sizeof a) == 0;
}
C
cc -std=c99 -Wall -Wextra -Werror begin.c alone.o given.o -o begin
./begin || die "a task beside weights begins elsewhere"

# threads with little stack, and blocks that are moved between their steps: the same bits
cat > moved.c <<'C'
#include <pthread.h>
#include <string.h>
#include "sensor.h"
SENSOR_ALIGNED static unsigned char one[SENSOR_BLOCK_BYTES], two[SENSOR_BLOCK_BYTES], other[SENSOR_BLOCK_BYTES];
static int32_t train(void *block, int from, int to)
{
	float x[SENSOR_STEP_X_COUNT];
	int32_t error = 0;
	for (int i = from; i < to && !error; i++) {
		for (int j = 0; j < SENSOR_STEP_X_COUNT; j++)
			x[j] = (float)((i * 7 + j * 3) % 11) - 5;
		error = sensor_step(block, x, NULL);
	}
	return error;
}
static void *work(void *block)
{
	return train(block, 0, 10) ? NULL : block;
}
int main(void)
{
	pthread_t thread;
	pthread_attr_t little;
	void *done;
	if (sensor_init(one, sizeof one, 1, 0) || sensor_init(two, sizeof two, 1, 0) || train(one, 0, 20) || pthread_attr_init(&little) ||
	    pthread_attr_setstacksize(&little, 32 << 10) || pthread_create(&thread, &little, work, two) || pthread_join(thread, &done) || !done)
		return 1;
	memcpy(other, two, sizeof two);
	memset(two, 0x5a, sizeof two);
	return train(other, 10, 20) || memcmp(one + 64, other + 64, SENSOR_STATES_BYTES) != 0;
}
C
cc -std=c17 -Wall -Wextra -Werror moved.c sensor.o -o moved -pthread
./moved || die "a thread with 32 KiB of stack does not train, or a block that was moved is another one"

# a short array is seen by the compiler, one that is not wanted is none
cat > short.c <<'C'
#include "sensor.h"
SENSOR_ALIGNED static unsigned char block[SENSOR_BLOCK_BYTES];
int main(void)
{
	float x[SENSOR_STEP_X_COUNT - SHORTER] = {0};
	return sensor_init(block, sizeof block, 1, 0) || sensor_step(block, x, NULL);
}
C
cc -O1 -Wall -Wextra -Werror -DSHORTER=0 short.c sensor.o -o short || die "a batch of its size is refused"
if cc --version | grep -q 'Free Software Foundation'; then
	! cc -O1 -Wall -Wextra -Werror -DSHORTER=1 short.c sensor.o -o short 2> said && grep -q stringop said || die "a short batch is not seen: $(cat said)"
fi
# a processor that lacks what the code needs is told so
if [ "$(uname -m)" = x86_64 ] && has qemu-x86_64; then
	for cpu in x86-64-v3 znver4; do
		"$sslc" compile sensor.json --cpu $cpu --out old.o --prefix sensor > /dev/null
		cat > old.c <<'C'
#include "old.h"
SENSOR_ALIGNED static unsigned char block[SENSOR_BLOCK_BYTES];
int main(void)
{
	return -sensor_init(block, sizeof block, 1, 0);
}
C
		cc -static old.c old.o -o old
		code=0; qemu-x86_64 -cpu Nehalem ./old 2> /dev/null || code=$?
		[ $code = 23 ] || die "$cpu on a Nehalem: $code, not 23"
		code=0; qemu-x86_64 -cpu max ./old 2> /dev/null || code=$?
		[ $code = $([ $cpu = x86-64-v3 ] && echo 0 || echo 23) ] || die "$cpu on what qemu has: $code"
	done
fi

if has c++; then
	c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror stream.cpp sensor.o -o stream 2> said || die "C++: $(cat said)"
	./stream learnt.safetensors > said || die "the stream was not learnt: $(cat said)"
	"$sslc" run sensor.json --init learnt.safetensors --out run --quiet || die "sslc run does not take the weights"
	"$sslc" compile sensor.json --weights learnt.safetensors --only encode --out encode.o > said || die "$(cat said)"
fi

cc -std=c17 -O1 -Wall -Wextra -Werror anomaly.c sensor.o -o anomaly
./anomaly > said || die "anomalies: $(cat said)"
if has arm-none-eabi-gcc qemu-system-arm; then
	"$sslc" compile sensor.json --target cortex-m4f > /dev/null
	arm-none-eabi-gcc -mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=hard -DBARE -O1 -w -ffreestanding -nostdlib \
		-T "$here/targets/bare.ld" -Wl,--defsym=ram_size=0x100000 -Wl,--gc-sections -Wl,--no-enum-size-warning -Wl,-z,noexecstack \
		"$here/targets/bare.c" anomaly.c sensor.o -lgcc -o device
	timeout 100 qemu-system-arm -M mps2-an386 -display none -monitor none -serial none -semihosting -kernel device \
		> said 2>&1 || die "anomalies on the device: $(cat said)"
fi

[ -d run ] || "$sslc" run sensor.json --out run --quiet
"$sslc" compile sensor.json --shared > /dev/null
# a compiler of several words, a name that looks like an option, and what cannot be written
CC="cc -DA=1  -w" "$sslc" compile sensor.json --shared --out -odd.so > said 2>&1 || die "CC of several words: $(cat said)"
cmp sensor.so ./-odd.so || die "another library by another CC"
! CC="none -w" "$sslc" compile sensor.json --shared 2> said && grep -q "^sslc: error: cannot run 'none', which" said || die "CC: $(cat said)"
! CC="cc $(printf ' -w%.0s' $(seq 64))" "$sslc" compile sensor.json --shared 2> said && grep -q 'CC has more than 64 words' said || die "CC: $(cat said)"
for name in . / '. --shared'; do
	! "$sslc" compile sensor.json --out $name 2> said && grep -q "cannot write '${name%% *}': Is a directory" said || die "--out $name: $(cat said)"
done
if unshare -rm true 2> said; then # a file that another one is mounted on, as in containers
	touch busy.o over
	! unshare -rm sh -c "mount --bind over busy.o && '$sslc' compile sensor.json --out busy.o" 2> said && grep -q "cannot write 'busy.o': Device or resource busy" said || die "mounted: $(cat said)"
fi
if has python3; then
	python3 library.py ./sensor.so run/checkpoint.safetensors > said || die "Python: $(cat said)"
	grep -q 'init: a pointer is not aligned' said || die "Python: $(cat said)"
fi
