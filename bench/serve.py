#!/usr/bin/env python3
"""Requests per second, p50 and p99 of `mnist serve`, by Debian's wrk on the same machine.

Usage: serve.py PROGRAM [--seconds N] [--million]. Prints a table in Markdown. --million sends a million
requests and prints how the server's memory grew.
"""
import argparse
import contextlib
import json
import pathlib
import re
import subprocess
import tempfile
import urllib.request
import zlib

CONNECTIONS = (1, 16, 256)
SIDE = 28


def stroke():
    return [255 if 5 <= i // SIDE < 23 and 13 <= i % SIDE < 16 else 0 for i in range(SIDE * SIDE)]


def png(pixels):
    def chunk(kind, data):
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    rows = b"".join(b"\0" + bytes(pixels[row * SIDE : (row + 1) * SIDE]) for row in range(SIDE))
    header = SIDE.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def bodies():
    tensor = {"name": "input", "shape": [1, SIDE * SIDE], "datatype": "UINT8", "data": stroke()}
    text = json.dumps({"inputs": [tensor]}, separators=(",", ":")).encode()
    return {
        "JSON": ("application/json", "v2/models/digit/infer", text),
        "PNG": ("image/png", "v1/classify?raw=1", png(stroke())),
        "PNG, prepared": ("image/png", "v1/classify", png(stroke())),
    }


def write_script(folder, content_type, body):
    """wrk's description of a request."""
    (folder / "body").write_bytes(body)
    script = folder / "post.lua"
    script.write_text(
        f'wrk.method = "POST"\nwrk.headers["Content-Type"] = "{content_type}"\n'
        f'local file = io.open("{folder}/body", "rb")\nwrk.body = file:read("*a")\nfile:close()\n'
    )
    return script


@contextlib.contextmanager
def serve(program, options):
    command = [program, "serve", "--port", "0", "--max-connections", "1024", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield server, "http://" + server.stdout.readline().split("http://")[1].strip()
        finally:
            server.terminate()


def milliseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}[unit]


def load(url, script, connections, seconds):
    threads = min(2, connections)
    command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script, url]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    p50 = milliseconds(re.search(r"^ +50% +(\S+)", text, re.M)[1])
    p99 = milliseconds(re.search(r"^ +99% +(\S+)", text, re.M)[1])
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    socket = re.search(r"Socket errors: (.*)", text)
    errors = ", ".join(filter(None, [failed and failed[1], socket and socket[1]])) or "0"
    return rate, p50, p99, errors


def resident(server):
    status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


def compare(program, folder, seconds):
    print("| body | batching | connections | requests/s | p50 ms | p99 ms | errors |")
    print("|---|---|---|---|---|---|---|")
    for batching, options in (("on", []), ("off", ["--no-batching"])):
        with serve(program, options) as (_, address):
            for name, (content_type, path, body) in bodies().items():
                script = write_script(folder, content_type, body)
                for connections in CONNECTIONS:
                    rate, p50, p99, errors = load(address + path, script, connections, seconds)
                    print(
                        f"| {name} | {batching} | {connections} | {rate:,.0f} | {p50:.2f} | {p99:.2f} | {errors} |",
                        flush=True,
                    )


def send_million(program, folder):
    content_type, path, body = bodies()["PNG"]
    script = write_script(folder, content_type, body)
    sent = 0
    with serve(program, []) as (server, address):
        load(address + path, script, 16, 5)
        before = resident(server)
        while sent < 1_000_000:
            load(address + path, script, 16, 15)
            metrics = urllib.request.urlopen(address + "metrics", timeout=10).read().decode()
            sent = int(re.search(r'mnist_requests_total\{code="200"\} (\d+)', metrics)[1])
            print(f"{sent:,} requests: {resident(server):,} kB resident (at first {before:,})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--million", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if arguments.million:
            send_million(arguments.program, folder)
        else:
            compare(arguments.program, folder, arguments.seconds)


if __name__ == "__main__":
    main()
