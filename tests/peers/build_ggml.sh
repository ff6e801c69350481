#!/usr/bin/env bash
# Builds ggml's own mnist-eval from the source that the package ggml-python carries. Usage: build_ggml.sh
# ENVIRONMENT; the program is then ENVIRONMENT/ggml/mnist-eval.
set -euo pipefail
version=0.0.45
folder=$1/ggml
mkdir -p "$folder"
"$1/bin/pip" download --quiet --no-deps --no-binary ggml-python -d "$folder" "ggml-python==$version"
tar -xzf "$folder/ggml_python-$version.tar.gz" -C "$folder"
cmake -S "$folder/ggml_python-$version/vendor/ggml" -B "$folder/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DBUILD_SHARED_LIBS=OFF -DGGML_BUILD_TESTS=OFF -DGGML_OPENMP=OFF >"$folder/log"
ninja -C "$folder/build" mnist-eval >>"$folder/log" || { tail -20 "$folder/log" >&2; exit 1; }
mv "$folder/build/bin/mnist-eval" "$folder/mnist-eval"
rm -rf "$folder/build" "$folder/log" "$folder"/ggml_python-*
