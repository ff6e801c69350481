#!/usr/bin/env bash
# clang-tidy on every source (scripts/lint.py says which). Usage: lint.sh [file...]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install.sh lint
[ -f build/release/compile_commands.json ] || scripts/build.sh release
scripts/lint.py "$@"
