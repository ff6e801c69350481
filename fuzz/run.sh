#!/usr/bin/env bash
# Runs fuzz targets from small files of each format, two at a time, and prints what each did.
# Usage: run.sh EXECUTIONS [TARGET...], e.g. run.sh 10000000 onnx pytorch. Needs clang and, for the
# formats that are only read, the Python of tests/peers/run.sh. What was found lies in build/fuzz/findings.
set -euo pipefail
cd "$(dirname "$0")/.."
executions=${1:?usage: run.sh EXECUTIONS [TARGET...]}
shift
scripts/install.sh fuzz
scripts/build.sh fuzz
targets=("$@")
[ ${#targets[@]} -ne 0 ] || mapfile -t targets < <(cd build/fuzz && ls -- *_fuzz | sed 's/_fuzz$//')

seeds=build/fuzz/seeds
if [ ! -d "$seeds" ]; then
  build/fuzz/make_seeds "$seeds"
  if [ -x build/peers/bin/python ]; then build/peers/bin/python fuzz/make_seeds.py "$seeds"; fi
fi

# Most of a refused file's time is the sanitizer's: a short memory of what was freed is enough here.
export ASAN_OPTIONS=malloc_context_size=2:quarantine_size_mb=4:thread_local_quarantine_size_kb=64

run_target() {
  local target=$1 executions=$2 folder=build/fuzz
  mkdir -p "$folder/corpus/$target" "$folder/findings" "$folder/seeds/$target" "$folder/logs"
  # A refused file may take 64 MiB; the sanitizers' own memory comes on top.
  "$folder/${target}_fuzz" "$folder/corpus/$target" "$folder/seeds/$target" -runs="$executions" -timeout=60 \
    -malloc_limit_mb=256 -rss_limit_mb=1024 -max_len=32768 -print_final_stats=1 -verbosity=1 \
    -artifact_prefix="$folder/findings/$target-" >"$folder/logs/$target" 2>&1 || true
  local done_runs seconds found
  done_runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/logs/$target")
  seconds=$(sed -n 's/^Done [0-9]* runs in \([0-9]*\) second.*/\1/p' "$folder/logs/$target")
  found=$(find "$folder/findings" -name "$target-*" | wc -l)
  printf '%-14s %12s executions %8s s %4s findings\n' "$target" "${done_runs:-0}" "${seconds:-?}" "$found"
}
export -f run_target
printf '%s\n' "${targets[@]}" | xargs -P 2 -I{} bash -c 'run_target {} '"$executions"
[ -z "$(ls build/fuzz/findings)" ]
