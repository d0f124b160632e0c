#!/bin/sh
# What is installed serves others: two programs of someone else build with find_package and with pkg-config, from a prefix that
# was moved, and run.
# usage: install.sh <path to sslc>
set -eu
sslc=$(realpath "$1")
build=$(dirname "$sslc")
user=$(realpath "$(dirname "$0")/../install")
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"

die() {
	echo "$*"
	exit 1
}
quietly() { "$@" >log 2>&1 || die "$*: $(cat log)"; }

quietly cmake --install "$build" --prefix "$temp/first"
mv first prefix
[ "$(prefix/bin/sslc --version)" = "$("$sslc" --version)" ] || die "the installed sslc is another one"

quietly cmake -S "$user" -B both -DCMAKE_PREFIX_PATH="$temp/prefix" -DCMAKE_BUILD_TYPE=Release
quietly cmake --build both
quietly both/compiler
quietly both/runtime
quietly cmake -S "$user" -B alone -DCMAKE_PREFIX_PATH="$temp/prefix" -DRUNTIME_ALONE=ON
quietly cmake --build alone
quietly alone/runtime

PKG_CONFIG_PATH=$(dirname "$(find "$temp/prefix" -name sslc.pc)")
export PKG_CONFIG_PATH
for part in compiler:sslc runtime:sslc-runtime; do
	program=${part%:*}
	package=${part#*:}
	quietly cc -std=c17 -Wall -Werror "$user/$program.c" -o "$program" $(pkg-config --cflags --libs "$package")
	quietly "./$program"
done
! ldd runtime | grep -q LLVM || die "the runtime alone links LLVM"
