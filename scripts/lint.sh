#!/usr/bin/env bash
# clang-tidy on every source, on two processes. Usage: lint.sh [file...]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install.sh lint
[ -f build/release/compile_commands.json ] || scripts/build.sh release
files=("$@")
[ ${#files[@]} -ne 0 ] || mapfile -t files < <(git ls-files 'src/*.cpp' ':!src/web' | grep -v '_test\.cpp$')
printf '%s\n' "${files[@]}" | xargs -P 2 -n 4 clang-tidy -p build/release --quiet --extra-arg=-Wno-unknown-warning-option
