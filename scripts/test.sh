#!/usr/bin/env bash
# Installs what is needed, builds, and passes every test. With --quick, without the page, sanitizers,
# the installed package and other programs. In CI a test that is skipped for lack of material is a
# failure.
set -euo pipefail
cd "$(dirname "$0")/.."
quick=${1:-}

stage() { printf '\n== %s (%d s)\n' "$*" $SECONDS; }

# Material outside the repository (docs/testing.md): used where it lies beside it.
material=$(cd .. && pwd)/shared
if [ -d "$material" ]; then
  export MNIST_DATA_DIR=${MNIST_DATA_DIR:-$material/data/mnist}
  export MNIST_INTEROP_DIR=${MNIST_INTEROP_DIR:-$material/interop}
  export MNIST_ZOO_DIR=${MNIST_ZOO_DIR:-$material/zoo}
  export MNIST_DRAWN_DIR=${MNIST_DRAWN_DIR:-$material/drawn}
fi

# Runs the tests of a preset and refuses skipped ones in CI.
run_tests() {
  local preset=$1
  shift
  local log=build/$preset/tests.log
  ctest --preset "$preset" --no-tests=error "$@" | tee "$log"
  if [ "${CI:-}" = true ] && [ -n "${MNIST_DATA_DIR:-}" ] && grep -q '(Skipped)' "$log"; then
    echo "test.sh: tests were skipped although their material is here:" >&2
    grep '(Skipped)' "$log" >&2
    exit 1
  fi
}

stage "install packages"
scripts/install.sh test

stage "layers"
python3 scripts/check_layers.py

if [ "$quick" != --quick ]; then
  # Before the program, which the page becomes a part of.
  stage "the page's WebAssembly"
  scripts/install.sh web
  scripts/build.sh wasm
fi

stage "build"
scripts/build.sh release -DMNIST_TESTS=ON

stage "tests"
run_tests release -j2

if [ "$quick" != --quick ]; then
  stage "the installed package and the example"
  tests/package/run.sh build/release

  stage "AddressSanitizer and UBSan"
  scripts/build.sh asan
  # Evaluating all networks of the zoo on thousands of images reads nothing new.
  run_tests asan -j2 -E 'CalibrationOnly|ItsAccuracy'

  stage "ThreadSanitizer, what has threads"
  scripts/build.sh tsan --target mnist_base_test mnist_engine_test mnist_train_test
  run_tests tsan -j2 -L '^(base|engine|train)$'

  stage "peers: the programs whose files are read and written"
  tests/peers/run.sh build/release/mnist

  stage "the page in a browser"
  tests/browser/run.sh
fi
