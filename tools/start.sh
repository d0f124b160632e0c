#!/bin/sh
# start.sh: from a fresh Debian 12 to a trained model: installs the packages, builds, and trains the main example, a
# denoising autoencoder on Fashion-MNIST, scored by a linear probe.
set -eu
cd "$(dirname "$0")/.."

tools/install.sh
cmake --preset release
cmake --build --preset release
build/release/sslc run models/vision/denoise-fashion.json "$@"
