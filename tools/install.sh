#!/bin/sh
# install.sh: the Debian 12 packages that sslc is built from and tested with; `tests` adds those of the tests alone.
set -eu

build="gcc cmake ninja-build pkg-config llvm-19-dev clang-19 libstdc++-12-dev libcjson-dev zlib1g-dev libsndfile1-dev libsamplerate0-dev libpcre2-dev
	libpng-dev libjpeg62-turbo-dev libminizip-dev libcsv-dev dataset-fashion-mnist"
tests="libcunit1-dev clang clang-format libclang-rt-14-dev python3-jsonschema python3-onnx g++ binutils python3 locales
	qemu-user qemu-system-arm gcc-arm-none-eabi gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-riscv64-linux-gnu
	libc6-dev-riscv64-cross gcc-arm-linux-gnueabihf libc6-dev-armhf-cross"

packages=$build
[ "${1:-}" = tests ] && packages="$build $tests"

missing=""
for package in $packages; do
	dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

as_root=""
[ "$(id -u)" = 0 ] || as_root=sudo
echo "installing$missing"
$as_root apt-get update -q
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -q -y --no-install-recommends $missing
