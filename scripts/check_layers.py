#!/usr/bin/env python3
"""Fails on an include that goes up the layers of docs/architecture.md and on files over 500 lines."""
import pathlib
import re
import sys

BELOW = {
    "base": [],
    "model": ["base"],
    "ops": ["base", "model"],
    "engine": ["base", "model", "ops"],
    "data": ["base"],
    "formats": ["base", "model", "ops"],
    "classify": ["base", "model", "engine", "data", "formats"],
    "train": ["base", "model", "engine", "data", "formats", "classify"],
    "cli": ["base", "model", "engine", "data", "formats", "classify", "train"],
    "web": ["base", "model", "engine", "data", "formats", "classify", "train"],
}
MOST_LINES = 500

root = pathlib.Path(__file__).resolve().parent.parent
errors = []
for path in sorted(root.glob("src/**/*")) + sorted(root.glob("include/**/*.h")):
    if path.suffix not in (".h", ".cpp"):
        continue
    name = path.relative_to(root)
    lines = path.read_text().splitlines()
    if len(lines) > MOST_LINES:
        errors.append(f"{name}: {len(lines)} lines, at most {MOST_LINES}")
    layer = name.parts[1] if name.parts[0] == "src" else "include"
    for number, line in enumerate(lines, 1):
        found = re.match(r'#include "(\w+)/', line)
        if not found or found[1] in ("mnist", layer):
            continue
        if layer == "include" or found[1] not in BELOW.get(layer, []):
            errors.append(f"{name}:{number}: {layer} must not include {found[1]}")
print("\n".join(errors) or "layers: ok")
sys.exit(1 if errors else 0)
