#!/usr/bin/env python3
"""Measures what README.md's result tables say and writes them there.

usage: results.py [--seeds 5] [--data mnist] [--program build/release/mnist] [--networks a,b:2]

Trains each network with its default settings once for each seed (NAME:N: for N seeds) and evaluates it on
the test images,
runs `mnist bench`, and replaces the lines between the two result marks. Nothing in the tables is typed.
"""
import argparse
import json
import pathlib
import platform
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
NETWORKS = "mnist-fc,mnist-mlp,mnist-cnn,lenet5,mnist-keras-cnn,mnist-fast,mnist-best"
BEGIN = "<!-- results: written by scripts/results.py -->"
END = "<!-- end of results -->"


def run(program, *arguments):
    output = subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def train(program, data, words, seeds):
    accuracies, seconds = [], []
    with tempfile.TemporaryDirectory() as folder:
        model = str(pathlib.Path(folder) / "model.gguf")
        for seed in range(1, seeds + 1):
            network = [] if words[0].startswith("--") else [words[0], model]
            options = words if words[0].startswith("--") else words[1:]
            named = network or [model]
            last = run(program, "train", *named, *options, "--data", data, "--seed", str(seed), "--json")[-1]
            accuracies.append(100 * last["test_acc"])
            seconds.append(last["seconds"])
        facts = run(program, "info", model, "--json")[0]
    return accuracies, seconds, facts


def training_table(program, data, networks, seeds):
    rows = ["| network | parameters | seeds | test accuracy, mean | worst, best | training |",
            "|---|---|---|---|---|---|"]
    for words in networks:
        name, _, own_seeds = words[0].partition(":")
        words = [name, *words[1:]]
        accuracies, seconds, facts = train(program, data, words, int(own_seeds or seeds))
        rows.append(f"| `{' '.join(words)}` | {facts['parameters']:,} | {len(seconds)} | {statistics.mean(accuracies):.2f} % | "
                    f"{min(accuracies):.2f}, {max(accuracies):.2f} % | {statistics.median(seconds):.1f} s |")
        print(rows[-1], flush=True)
    return rows


def speed_table(program):
    bench = run(program, "bench", "--json")[0]
    rows = ["| network | | threads | µs an image | images/s | GFLOP/s | share of the measured peak |",
            "|---|---|---|---|---|---|---|"]
    for m in bench["results"]:
        rows.append(f"| `{m['architecture']}` | {m['what']} | {m['threads']} | {m['us_per_image']:.2f} | "
                    f"{1e6 / m['us_per_image']:,.0f} | {m['gflops']:.0f} | {100 * m['share_of_peak']:.0f} % |")
    return bench["isa"], rows


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--program", default=str(ROOT / "build/release/mnist"))
    parser.add_argument("--networks", default=NETWORKS)
    arguments = parser.parse_args()
    networks = [[name] for name in arguments.networks.split(",")] + [["--recipe:10", "fast"]]
    training = training_table(arguments.program, arguments.data, networks, arguments.seeds)
    isa, speed = speed_table(arguments.program)
    text = [f"Default settings, `{arguments.data}`, all processors of one {processor()} ({isa}); times are medians.",
            "", *training, "",
            "`mnist bench`, the same machine. Multiply-adds count as two operations, also those with pixels that are "
            "zero, which dense layers skip: hence shares over 100 %.", "", *speed]
    readme = ROOT / "README.md"
    before, rest = readme.read_text().split(BEGIN)
    after = rest.split(END)[1]
    readme.write_text(before + BEGIN + "\n" + "\n".join(text) + "\n" + END + after)


if __name__ == "__main__":
    main()
