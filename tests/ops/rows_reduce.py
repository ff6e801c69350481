"""Rows of the reductions."""
import torch


def add(rows):
    functions = {
        "ReduceSum": torch.sum,
        "ReduceMean": torch.mean,
        "ReduceMax": torch.amax,
        "ReduceMin": torch.amin,
        "ReduceL1": lambda x, axes, keep: x.abs().sum(axes, keep),
        "ReduceL2": lambda x, axes, keep: (x * x).sum(axes, keep).sqrt(),
        "ReduceSumSquare": lambda x, axes, keep: (x * x).sum(axes, keep),
    }
    for op_type, function in functions.items():
        distinct = op_type in ("ReduceMax", "ReduceMin")

        def reduce(name, shape, axes, keep=True, ties=False):
            attributes = {} if keep else {"keepdims": 0}
            rows.add(name, op_type, lambda x: function(x, axes, keep), [("x", shape)],
                     distinct=distinct and not ties, ties=ties, axes=list(axes), **attributes)

        reduce("rows and columns", (3, 4, 5), (2, 3))
        reduce("rows and columns, without them", (3, 4, 5), (-2, -1), keep=False)
        reduce("channels", (3, 4, 5), (1,))
        reduce("rows", (3, 4, 5), (2,), keep=False)
        reduce("channels and columns", (3, 4, 5), (3, 1))
        reduce("features", (7,), (1,))
        reduce("whole image", (2, 3, 4), (1, 2, 3), keep=False)
        reduce("axis of one", (3, 1, 5), (2,))
        if distinct:
            reduce("ties", (3, 4, 5), (2, 3), ties=True)
    for name, shape in (("", (5, 4, 3)), ("1x1", (4, 1, 1)), ("7x7", (3, 7, 7))):
        rows.add(name, "GlobalMaxPool", lambda x: x.amax((2, 3), True), [("x", shape)], distinct=True)
