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
  web) packages="$packages emscripten nodejs npm chromium ccache" ;;
  *) echo "install.sh: build, test, lint, fuzz or web expected, got '$what'" >&2; exit 2 ;;
esac

missing=()
for package in $packages; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "install.sh: no apt-get here; install these by hand: ${missing[*]}" >&2
  exit 1
fi
as_root=""
[ "$(id -u)" -eq 0 ] || as_root=sudo
echo "Installing ${missing[*]}" >&2
$as_root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
