"""What the scripts that compare with other programs share."""
import json
import pathlib
import subprocess
import sys

import numpy


class Program:
    """The mnist program, and random images as the raw files that it reads."""

    def __init__(self, side=28, count=16):
        self.path = sys.argv[1]
        self.folder = pathlib.Path(sys.argv[2])
        generator = numpy.random.default_rng(1)
        self.images = generator.integers(0, 256, (count, side, side), dtype=numpy.uint8)
        self.files = []
        for index, image in enumerate(self.images):
            self.files.append(self.folder / f"image{index}.raw")
            self.files[-1].write_bytes(image.tobytes())

    def inputs(self):
        """The images as networks see them: (count, 1, side, side) within [0, 1]."""
        return (self.images.astype(numpy.float32) / numpy.float32(255))[:, None]

    def run(self, *arguments):
        return subprocess.run([self.path, *map(str, arguments)], capture_output=True, text=True)

    def expect_run(self, *arguments):
        result = self.run(*arguments)
        if result.returncode != 0:
            sys.exit(f"mnist {' '.join(map(str, arguments))}: {result.stderr.strip()}")
        return result.stdout

    def convert(self, source, target, *options):
        self.expect_run("convert", source, target, "--no-verify", *options)

    def logits(self, model, *options):
        text = self.expect_run("predict", model, *self.files, "--raw", "--json", "--logits", *options)
        return numpy.array([json.loads(line)["logits"] for line in text.splitlines()], numpy.float32)

    def expect_refused(self, model, words):
        """One line, exit 1, and what the file is about in it."""
        result = self.run("predict", model, self.files[0], "--raw")
        lines = result.stderr.strip().splitlines()
        if result.returncode != 1 or len(lines) != 1 or words not in lines[0]:
            sys.exit(f"{model}: a refusal with '{words}' expected, got exit {result.returncode}: {result.stderr}")


def expect_close(what, ours, theirs, tolerance=1e-5):
    """Equal to `tolerance` of the greatest value."""
    ours = numpy.asarray(ours, numpy.float32)
    theirs = numpy.asarray(theirs, numpy.float32)
    if ours.shape != theirs.shape:
        sys.exit(f"{what}: shapes {ours.shape} and {theirs.shape}")
    difference = float(numpy.abs(ours - theirs).max())
    limit = tolerance * max(1.0, float(numpy.abs(theirs).max()))
    if not difference <= limit:
        sys.exit(f"{what}: the greatest difference is {difference:g}, at most {limit:g} expected")
    print(f"   {what}: {difference:.2g}")
