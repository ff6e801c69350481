#!/usr/bin/env python3
"""clang-tidy on every source that has changed since it was found clean.

What a source is, is its text after the preprocessor; what was clean is remembered in the user's cache folder
(XDG_CACHE_HOME). Usage: lint.py [FILE...], after scripts/build.sh release.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATABASE = ROOT / "build" / "release"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "mnist.cpp-lint"
LEFT_OUT = ("src/web/",)  # compiled by Emscripten only


def sources():
    listed = subprocess.run(["git", "ls-files", "src/*.cpp"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [f for f in listed.stdout.split() if not f.startswith(LEFT_OUT) and not f.endswith("_test.cpp")]


def commands():
    entries = json.loads((DATABASE / "compile_commands.json").read_text())
    return {os.path.relpath(entry["file"], ROOT): entry for entry in entries}


def key(entry, rules):
    """Changes with everything that clang-tidy sees."""
    words = shlex.split(entry["command"])
    if pathlib.Path(words[0]).name == "ccache":
        del words[0]
    output = words.index("-o")
    del words[output : output + 2]
    text = subprocess.run([*words, "-E"], cwd=entry["directory"], check=True, capture_output=True).stdout
    return hashlib.sha256(rules + text.replace(str(ROOT).encode(), b"")).hexdigest()


def check(file, entry, rules):
    """What clang-tidy says of the file, or nothing."""
    found_clean = CACHE / key(entry, rules)
    if found_clean.exists():
        return ""
    tidy = ["clang-tidy", "-p", str(DATABASE), "--quiet", "--extra-arg=-Wno-unknown-warning-option", file]
    result = subprocess.run(tidy, cwd=ROOT, capture_output=True, text=True)
    if result.returncode == 0:
        found_clean.touch()
        return ""
    return result.stdout or result.stderr


def main():
    CACHE.mkdir(parents=True, exist_ok=True)
    version = subprocess.run(["clang-tidy", "--version"], check=True, capture_output=True).stdout
    rules = version + (ROOT / ".clang-tidy").read_bytes()
    entries = commands()
    files = sys.argv[1:] or sources()
    missing = [file for file in files if file not in entries]
    if missing:
        sys.exit(f"lint.py: not built, so not checked: {' '.join(missing)}")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = 0
        for text in pool.map(lambda file: check(file, entries[file], rules), files):
            print(text, end="", flush=True)
            found += 1 if text else 0
    print(f"lint: {len(files)} files, {found} with findings")
    sys.exit(1 if found else 0)


main()
