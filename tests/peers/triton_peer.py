#!/usr/bin/env python3
"""Triton's own client lists the models of `mnist serve` and infers, as `mnist predict` does."""
import json
import pathlib
import subprocess
import sys
import urllib.request

import numpy as np
import tritonclient.http as triton

IMAGES = 16


def write_pgm(path, pixels):
    path.write_bytes(b"P5 28 28 255\n" + pixels.tobytes())


def strokes():
    """Images that are no digits, but that differ."""
    generator = np.random.default_rng(1)
    images = np.zeros((IMAGES, 28, 28), np.uint8)
    for image in images:
        left, top = generator.integers(5, 15, 2)
        image[top : top + 12, left : left + 3] = generator.integers(100, 256, (12, 3))
    return images


def predicted(program, folder, images):
    """What `mnist predict` says of each."""
    results = []
    for index, image in enumerate(images):
        path = folder / f"{index}.pgm"
        write_pgm(path, image)
        done = subprocess.run(
            [program, "predict", "--raw", "--json", "--logits", str(path)], check=True, capture_output=True
        )
        results.append(json.loads(done.stdout))
    return results


def serve(program, options):
    server = subprocess.Popen([program, "serve", "--port", "0", *options], stdout=subprocess.PIPE, text=True)
    line = server.stdout.readline()
    return server, line.split("http://")[1].strip().rstrip("/")


def infer(client, images, datatype, binary, names):
    tensor = triton.InferInput("input", list(images.shape), datatype)
    tensor.set_data_from_numpy(images, binary_data=binary)
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in names]
    result = client.infer("digit", [tensor], outputs=outputs, request_id="42")
    assert result.get_response()["id"] == "42"
    return [result.as_numpy(name) for name in names]


def check_listing(client):
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("digit") and client.is_model_ready("digit", "1")
    assert not client.is_model_ready("other")
    assert [model["name"] for model in client.get_model_repository_index()] == ["digit"]
    metadata = client.get_model_metadata("digit")
    assert metadata["inputs"] == [{"name": "input", "datatype": "UINT8", "shape": [-1, 28, 28]}], metadata
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]


def check_answers(client, images, expected, tolerance):
    names = ["logits", "class", "probabilities"]
    for binary in (True, False):
        logits = np.array([row["logits"] for row in expected], np.float32)
        for index, image in enumerate(images):
            got = infer(client, image[None], "UINT8", binary, names)
            assert np.array_equal(got[0][0], logits[index]), (got[0], logits[index])
            assert got[1][0] == expected[index]["prediction"]
        for shape in ((IMAGES, 784), (IMAGES, 28, 28), (IMAGES, 1, 28, 28)):
            got = infer(client, images.reshape(shape), "UINT8", binary, names)
            assert np.abs(got[0] - logits).max() <= tolerance * np.abs(logits).max()
            assert [int(label) for label in got[1]] == [row["prediction"] for row in expected]
            assert np.allclose(got[2].sum(axis=1), 1, atol=1e-5)


def check_refusals(client):
    try:
        infer(client, np.zeros((1, 32, 32), np.uint8), "UINT8", True, ["class"])
    except triton.InferenceServerException as error:
        assert "expected" in str(error), error
    else:
        raise AssertionError("a wrong shape was accepted")


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    images = strokes()
    expected = predicted(program, folder, images)
    for options in ([], ["--no-batching"]):
        server, address = serve(program, options)
        try:
            client = triton.InferenceServerClient(address)
            check_listing(client)
            check_answers(client, images, expected, 1e-5)
            check_refusals(client)
            client.close()
            metrics = urllib.request.urlopen(f"http://{address}/metrics").read().decode()
            assert "mnist_images_total" in metrics
        finally:
            server.terminate()
        assert server.wait(timeout=10) == 0
    print(f"tritonclient: {IMAGES} images, alone equal to `mnist predict` to the last bit")


if __name__ == "__main__":
    main()
