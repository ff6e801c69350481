#!/usr/bin/env bash
# Installs what building, testing or developing needs, from Debian's packages. Usage: install.sh [build|test|lint|fuzz|web]
set -euo pipefail
what=${1:-build}

packages="g++ cmake ninja-build pkg-config libhwy-dev libcli11-dev libfmt-dev nlohmann-json3-dev
  zlib1g-dev libhdf5-dev libpng-dev libjpeg-dev libcurl4-openssl-dev libboost1.81-dev
  ca-certificates"
case $what in
  build) ;;
  test) packages="$packages libgtest-dev libgmock-dev libbenchmark-dev ccache python3 python3-venv
    python3-torch libopenblas0-pthread" ;;
  lint) packages="$packages libgtest-dev libgmock-dev clang-format clang-tidy python3" ;;
  fuzz) packages="$packages clang libclang-rt-14-dev ccache" ;;
  web) packages="$packages emscripten nodejs chromium ccache" ;;
  *) echo "install.sh: build, test, lint, fuzz or web expected, got '$what'" >&2; exit 2 ;;
esac

as_root=""
[ "$(id -u)" -eq 0 ] || as_root=sudo

# Installs those of the named packages that are not there.
install_missing() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  if ! command -v apt-get >/dev/null; then
    echo "install.sh: no apt-get here; install these by hand: ${missing[*]}" >&2
    exit 1
  fi
  echo "Installing ${missing[*]}" >&2
  $as_root apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# shellcheck disable=SC2086  # a list of words
install_missing $packages
# Other makers' nodejs packages contain npm and refuse Debian's.
[ "$what" != web ] || command -v npm >/dev/null || install_missing npm
