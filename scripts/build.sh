#!/usr/bin/env bash
# Builds a preset: build.sh [release|debug|asan|tsan] [cmake options...]. The program is build/PRESET/mnist.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
shift || true
launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
cmake --preset "$preset" "${launcher[@]}" "$@" >/dev/null
cmake --build --preset "$preset"
