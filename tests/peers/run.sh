#!/usr/bin/env bash
# Compares with the programs whose files we read and write. Each script here gets the program and an empty
# folder, and fails where the two disagree. Usage: run.sh PROGRAM [SCRIPT...]
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$(realpath "$1")
shift
scripts=("$@")
[ ${#scripts[@]} -ne 0 ] || scripts=(tests/peers/*_peer.py)

environment=build/peers
wanted=$(cat tests/peers/requirements.txt tests/peers/build_ggml.sh | sha256sum | cut -d' ' -f1)
if [ "$(cat "$environment/installed" 2>/dev/null)" != "$wanted" ]; then
  rm -rf "$environment"
  # Debian's Python and PyTorch; what Debian does not have comes from PyPI.
  /usr/bin/python3 -m venv --system-site-packages "$environment"
  "$environment/bin/pip" install --quiet -r tests/peers/requirements.txt
  tests/peers/build_ggml.sh "$environment"
  echo "$wanted" >"$environment/installed"
fi

# Quiet TensorFlow; it has no business with an accelerator here.
export TF_CPP_MIN_LOG_LEVEL=3 TF_ENABLE_ONEDNN_OPTS=0 CUDA_VISIBLE_DEVICES=-1
passed=0
failed=0
for script in "${scripts[@]}"; do
  folder=$(mktemp -d)
  echo "-- $script"
  if "$environment/bin/python" "$script" "$program" "$folder"; then
    passed=$((passed + 1))
  else
    echo "run.sh: $script failed" >&2
    failed=$((failed + 1))
  fi
  rm -rf "$folder"
done
echo "peers: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
