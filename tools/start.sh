#!/bin/sh
# start.sh: from a fresh Debian 12 to a trained model: installs the packages, builds, and trains the main example:
# SimCLR on Fashion-MNIST, then 600 labels with and without it.
set -eu
cd "$(dirname "$0")/.."

tools/install.sh
cmake --preset release
cmake --build --preset release
build/release/sslc run models/vision/simclr-fashion.json "$@"
