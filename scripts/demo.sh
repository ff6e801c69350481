#!/usr/bin/env bash
# From nothing to a trained digit classifier: installs what is needed, builds, trains mnist-cnn,
# evaluates it and looks at one digit. DATA=synthetic (or any --data) chooses the images.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install.sh build
scripts/build.sh release -DMNIST_TESTS=OFF
mnist=build/release/mnist
mkdir -p runs

data=${DATA:-}
if [ -z "$data" ]; then
  if "$mnist" data show mnist; then
    data=mnist
  else
    echo "MNIST cannot be had here: the demo goes on with digits that the program draws itself." >&2
    data=synthetic
  fi
fi
echo "Data: $data"

"$mnist" train mnist-cnn runs/mnist-cnn.gguf --data "$data"
"$mnist" eval runs/mnist-cnn.gguf --data "$data"
"$mnist" data draw --count 1 --seed 7 --out runs/digits >/dev/null
"$mnist" predict runs/mnist-cnn.gguf runs/digits/train-images-idx3-ubyte:0 --show
