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
if has python3; then
	python3 library.py ./sensor.so run/checkpoint.safetensors > said || die "Python: $(cat said)"
	grep -q 'init: a pointer is not aligned' said || die "Python: $(cat said)"
fi
