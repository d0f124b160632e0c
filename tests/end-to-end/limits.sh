#!/bin/sh
# Limits of the system are errors, and nothing half-made is left: of the stack, of memory, of the size of files.
# usage: limits.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
run() { "$sslc" run "$root/models/autoencoder.json" --quiet --steps 20 --threads 2 "$@" 2>error; }
ends() { # expected exit code, what is said
	code=0
	(eval "$3") || code=$?
	[ "$code" = "$1" ] || { echo "$3: exit code $code instead of $1"; cat error; exit 1; }
	[ -z "$2" ] || grep -q "$2" error || { echo "$3: does not say '$2':"; cat error; exit 1; }
}
export SSLC_CACHE="$temp/cache"
mkdir -m 700 cache

# A low stack that may be raised does for compiling and running: tiles lie on it; one that may not is refused.
ends 0 '' 'ulimit -S -s 1024; run --out soft'
ends 4 'the stack is limited to 1024 KiB' 'ulimit -s 1024; run --out hard'
[ ! -e hard ] || { echo "a run that was refused left its folder"; exit 1; }

# Where memory may not grow, whatever it is that first lacks it says so: no crash, no limit that was not passed, no bug of
# ours. Code 127 is the linker's. (ASan takes terabytes.)
if (ulimit -v 8000000 && "$sslc" --version) >/dev/null 2>&1; then
	said=0
	for kib in $(seq 60000 6000 330000); do
		rm -rf cache virtual && mkdir -m 700 cache
		code=0
		(ulimit -v $kib && run --out virtual) || code=$?
		case $code in
		0 | 127) continue ;;
		4) grep -q 'memory\|cannot start' error && said=$((said + 1)) && continue ;;
		1) grep -q 'no memory for' error && continue ;; # the data's
		esac
		echo "ulimit -v $kib: exit code $code"
		cat error
		exit 1
	done
	[ $said -gt 2 ] || { echo "no limit was too small"; exit 1; }
fi

# Files that may not grow: SIGXFSZ does not kill, the write is an error, and what was written beside is removed.
rm -r cache && mkdir -m 700 cache
ends 4 'cannot write' 'ulimit -f 1; run --out small'
[ -z "$(find . -name '*.o*' -o -name '*.??????' -path "*small*" )" ] || { echo "left over:"; ls -R; exit 1; }
ends 4 '' 'ulimit -f 0; run --out none'
[ "$(ls none)" = "" ] || { echo "left over:"; ls -R none; exit 1; }
