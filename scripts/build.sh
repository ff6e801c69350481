#!/usr/bin/env bash
# Builds a preset: build.sh [release|debug|asan|tsan|fuzz|wasm] [cmake options...] [--target target...]. The
# program is build/PRESET/mnist.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
shift || true
options=()
while [ $# -gt 0 ] && [ "$1" != --target ]; do
  options+=("$1")
  shift
done
# What another clone compiled counts, too.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
cmake --preset "$preset" "${launcher[@]}" "${options[@]}" >/dev/null
cmake --build --preset "$preset" "$@"
