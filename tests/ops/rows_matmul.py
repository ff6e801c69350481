"""Rows of MatMul and ArgMax."""
import torch


def add(rows):
    for name, x, w in (("vector", (7,), (7, 5)), ("rows", (3, 7), (7, 5)),
                       ("maps", (2, 3, 5), (5, 18)), ("one column", (4, 6), (6, 1)),
                       ("many rows", (33, 9), (9, 17)), ("wide", (2, 40), (40, 70))):
        rows.add(name, "MatMul", torch.matmul, [("x", x), ("w", w)])
    for name, a, b in (("two activations", (3, 5), (5, 4)), ("rows and column", (4, 3), (3, 1)),
                       ("pairs", (2, 3, 4, 5), (2, 3, 5, 2))):
        rows.add(name, "MatMul", torch.matmul, [("x", a), ("x", b)])

    def arg_max(name, shape, axis, keep=True, last=False, ties=False):
        def run(x):
            if last:
                index = x.shape[axis] - 1 - x.flip(axis).argmax(axis, keep)
            else:
                index = x.argmax(axis, keep)
            return index.double() + 0 * x.sum()

        attributes = {"axis": axis}
        if not keep:
            attributes["keepdims"] = 0
        if last:
            attributes["select_last_index"] = 1
        rows.add(name, "ArgMax", run, [("x", shape)], distinct=not ties, ties=ties, **attributes)

    arg_max("classes", (10,), 1, keep=False)
    arg_max("channels", (5, 3, 4), 1)
    arg_max("columns", (3, 4, 5), -1, keep=False)
    arg_max("ties", (3, 9, 4), 2, ties=True)
    arg_max("the last of ties", (3, 9, 4), 2, last=True, ties=True)
