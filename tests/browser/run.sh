#!/usr/bin/env bash
# The page in a real browser, and its WebAssembly against the program: after scripts/build.sh wasm and
# scripts/build.sh release. Usage: run.sh [TEST.mjs...]
set -euo pipefail
cd "$(dirname "$0")"
[ -d node_modules ] || npm ci --silent --no-audit --no-fund
tests=("$@")
[ ${#tests[@]} -ne 0 ] || tests=(agreement.test.mjs page.test.mjs opening.test.mjs program.test.mjs training.test.mjs)
node --test --test-concurrency=1 "${tests[@]}"
