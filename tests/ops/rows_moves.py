"""Rows of the ops that move elements about: Transpose, Pad, Slice, Squeeze, Unsqueeze."""
import torch
import torch.nn.functional as F


def add(rows):
    for name, shape, order in (("to channels last", (2, 3, 4), (0, 2, 3, 1)),
                               ("to channels first", (3, 4, 2), (0, 3, 1, 2)),
                               ("rows and columns", (2, 3, 4), (0, 1, 3, 2)),
                               ("matrix", (3, 5), (0, 2, 1)),
                               ("channels and rows", (2, 3, 4), (0, 2, 1, 3)),
                               ("nothing", (2, 3, 4), (0, 1, 2, 3)),
                               ("one channel to last", (1, 3, 4), (0, 2, 3, 1)),
                               ("five axes", (2, 3, 2, 2), (0, 3, 1, 4, 2))):
        rows.add(name, "Transpose", lambda x: x.permute(order), [("x", shape)], perm=list(order))

    def padding(name, shape, pads, mode="constant", value=0.0):
        """pads: (begin, end) of each axis of an image."""
        attributes = {"pads": [0] + [p[0] for p in pads] + [0] + [p[1] for p in pads]}
        if mode != "constant":
            attributes["mode"] = mode
        if value:
            attributes["value"] = value

        def run(x):
            inner_first = [side for p in reversed(pads) for side in p]
            if mode == "constant":
                return F.pad(x, inner_first, value=value)
            assert not any(pads[0]) and len(pads) == 3
            return F.pad(x, inner_first[:4], {"edge": "replicate", "wrap": "circular"}.get(mode, mode))

        rows.add(name, "Pad", run, [("x", shape)], **attributes)

    padding("2 all around", (2, 3, 4), ((0, 0), (2, 2), (2, 2)))
    padding("each side", (2, 3, 4), ((0, 0), (1, 0), (2, 3)))
    padding("rows only", (2, 3, 4), ((0, 0), (1, 2), (0, 0)))
    padding("channels, with a value", (2, 3, 4), ((1, 2), (0, 0), (0, 1)), value=-1.5)
    padding("vector", (5,), ((2, 1),), value=0.5)
    padding("nothing", (2, 3), ((0, 0), (0, 0)))
    padding("cropping", (2, 4, 5), ((0, -1), (-1, -2), (-1, 1)))
    padding("reflect", (2, 4, 5), ((0, 0), (1, 2), (3, 4)), mode="reflect")
    padding("edge", (2, 3, 4), ((0, 0), (1, 2), (2, 3)), mode="edge")
    padding("wrap", (2, 3, 4), ((0, 0), (1, 2), (2, 3)), mode="wrap")

    def slices(name, shape, pick, **attributes):
        rows.add(name, "Slice", lambda x: x[pick], [("x", shape)], **attributes)

    everything = slice(None)
    slices("rows", (2, 5, 4), (everything, everything, slice(1, 4)), starts=[1], ends=[4], axes=[2])
    slices("a channel", (3, 2, 4), (everything, slice(1, 2)), starts=[1], ends=[2], axes=[1])
    slices("every second column", (2, 3, 7), (everything, everything, everything, slice(1, 7, 2)),
           starts=[1], ends=[2**63 - 1], axes=[-1], steps=[2])
    slices("from the end", (2, 3, 7), (everything, everything, slice(0, 2), slice(4, 6)),
           starts=[-9, -3], ends=[-1, -1], axes=[2, 3])
    slices("default axes", (4, 5), (everything, slice(1, 3)), starts=[0, 1], ends=[2**31 - 1, 3])
    rows.add("backwards", "Slice", lambda x: x.flip(2), [("x", (2, 5, 3))], starts=[-1],
             ends=[-2**63], axes=[2], steps=[-1])

    rows.add("first token", "Gather", lambda x: x[:, 0], [("x", (5, 4))], axis=1, indices=0)
    rows.add("last column", "Gather", lambda x: x[..., -1], [("x", (2, 3, 4))], axis=-1, indices=-1)
    rows.add("channels, one twice", "Gather", lambda x: x[:, [2, 0, 2]], [("x", (3, 2, 4))], axis=1,
             indices=[2, 0, -1])
    rows.add("one in a list", "Gather", lambda x: x[:, :, [1]], [("x", (2, 3, 4))], axis=2,
             indices=[1])
    rows.add("rows", "Expand", lambda x: x.expand(-1, 2, 3, 4), [("x", (2, 1, 4))], shape=[2, 3, 4])
    rows.add("smaller shape", "Expand", lambda x: x.expand(-1, 3, 4), [("x", (3, 1))], shape=[1, 4])
    rows.add("", "Tile", lambda x: x.repeat(1, 1, 2, 3), [("x", (2, 3, 2))], repeats=[1, 1, 2, 3])

    rows.add("all", "Squeeze", lambda x: x.reshape(len(x), 3, 2), [("x", (1, 3, 1, 2))])
    rows.add("axes", "Squeeze", lambda x: x.reshape(len(x), 1, 3, 2), [("x", (1, 3, 1, 2))], axes=[3])
    rows.add("negative axes", "Squeeze", lambda x: x.reshape(len(x), 5), [("x", (5, 1, 1))],
             axes=[-1, -2])
    rows.add("channel", "Unsqueeze", lambda x: x.unsqueeze(1), [("x", (3, 4))], axes=[1])
    rows.add("two", "Unsqueeze", lambda x: x.reshape(len(x), 3, 1, 4, 1), [("x", (3, 4))],
             axes=[2, -1])
