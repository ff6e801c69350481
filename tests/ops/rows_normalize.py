"""Rows of the normalisations within an image."""
import torch
import torch.nn.functional as F


def add(rows):
    def layer(name, shape, axes, bias=True, **attributes):
        normal = shape[-axes:]
        inputs = [("x", shape), ("w", normal)] + ([("w", normal)] if bias else [])
        rows.add(name, "LayerNormalization",
                 lambda x, scale, b=None: F.layer_norm(x, normal, scale, b), inputs,
                 **attributes)

    layer("features", (7,), 1)
    layer("last axis, no bias", (3, 4, 5), 1, bias=False)
    layer("rows and columns", (3, 4, 5), 2, axis=2)
    layer("whole image", (2, 3, 4), 3, axis=-3)

    for name, shape, attributes in (("maps", (3, 4, 5), {}), ("vector", (2, 6), {}),
                                    ("epsilon", (2, 3, 3), {"epsilon": 0.5})):
        epsilon = attributes.get("epsilon", 1e-5)
        rows.add(name, "InstanceNormalization",
                 lambda x, scale, b: F.instance_norm(x, None, None, scale, b, True, 0.1, epsilon),
                 [("x", shape), ("w", shape[:1]), ("w", shape[:1])], **attributes)
    rows.add("epsilon", "LayerNormalization", lambda x, scale: F.layer_norm(x, (5,), scale, None, 0.5),
             [("x", (3, 5)), ("w", (5,))], epsilon=0.5)

    def group(name, shape, groups, per_group=False):
        count = groups if per_group else shape[0]

        def run(x, scale, b):
            if per_group:
                scale, b = (w.repeat_interleave(shape[0] // groups) for w in (scale, b))
            return F.group_norm(x, groups, scale, b)

        rows.add(name, "GroupNormalization", run, [("x", shape), ("w", (count,)), ("w", (count,))],
                 num_groups=groups)

    group("two groups", (6, 3, 4), 2)
    group("one group", (3, 4, 5), 1)
    group("scales of groups", (6, 3, 4), 3, per_group=True)
    group("vector", (8,), 2)

    def mean_variance(name, shape, axes):
        def run(x):
            centred = x - x.mean(axes, True)
            return centred / ((centred * centred).mean(axes, True) + 1e-18).sqrt()

        rows.add(name, "MeanVarianceNormalization", run, [("x", shape)], axes=list(axes))

    mean_variance("each channel", (3, 4, 5), (2, 3))
    mean_variance("image", (3, 4, 5), (1, 2, 3))
    mean_variance("channels", (5, 3, 4), (1,))
    mean_variance("features", (9,), (-1,))

    for p in (1, 2):
        def divide(x, axis):
            return x / x.norm(p, axis, True)

        rows.add(f"p {p}, features", "LpNormalization", lambda x: divide(x, 1), [("x", (7,))], p=p)
        rows.add(f"p {p}, channels", "LpNormalization", lambda x: divide(x, 1), [("x", (4, 3, 5))],
                 p=p, axis=1)
        rows.add(f"p {p}, columns", "LpNormalization", lambda x: divide(x, 3), [("x", (4, 3, 5))],
                 p=p, axis=-1)
        rows.add(f"L{p}", "Normalizer", lambda x: divide(x, 1), [("x", (9,))], norm=f"L{p}")
    rows.add("default p", "LpNormalization", lambda x: x / x.norm(2, 1, True), [("x", (7,))])
    rows.add("", "Normalizer", lambda x: x / x.amax(1, True), [("x", (9,))], positive=True,
             distinct=True)
    rows.add("ties", "Normalizer", lambda x: x / x.amax(1, True), [("x", (9,))], positive=True,
             ties=True, norm="MAX")

    def neighbours(name, shape, size, **attributes):
        alpha, beta, bias = (attributes.get(*entry) for entry in
                             (("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0)))

        def run(x):
            sums = []
            for c in range(shape[0]):
                around = x[:, max(0, c - (size - 1) // 2):c + size // 2 + 1]
                sums.append((around * around).sum(1))
            return x * (bias + alpha / size * torch.stack(sums, 1)) ** -beta

        rows.add(name, "LRN", run, [("x", shape)], size=size, **attributes)

    neighbours("default", (5, 3, 4), 3)
    neighbours("strong", (7, 2, 3), 5, alpha=2.0, beta=0.5, bias=0.75)
    neighbours("even size", (6, 2, 3), 4, alpha=1.0)
    neighbours("wider than the channels", (3, 2, 2), 9, alpha=1.0)
    neighbours("features", (8,), 3, alpha=1.0)
