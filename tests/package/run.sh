#!/usr/bin/env bash
# Installs a build into a fresh folder, builds examples/ against it and classifies a digit with it.
# Usage: run.sh BUILD_FOLDER
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/prefix" >/dev/null
cmake -S "$root/examples" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
cmake --build "$work/build" >/dev/null
"$work/prefix/bin/mnist" data draw --count 5 --seed 3 --out "$work/digits" >/dev/null
image=$work/digits/train-images-idx3-ubyte
for index in 0 1 2 3 4; do
  answer=$("$work/build/classify" "$image:$index")
  expected=$("$work/prefix/bin/mnist" predict "$image:$index" --json |
    python3 -c 'import json, sys; print(json.loads(sys.stdin.readline())["prediction"])')
  case $answer in
    "$expected ("*) ;;
    *) echo "classify says '$answer', mnist predict '$expected'" >&2; exit 1 ;;
  esac
done
! "$work/build/classify" "$work/none.png" 2>/dev/null
echo "package: ok"
