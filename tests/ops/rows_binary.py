"""Rows of the functions of two variables."""
import torch


def add(rows):
    maps = (3, 4, 5)
    for op_type, function, positive in (("Add", torch.add, False), ("Mul", torch.mul, False),
                                        ("Sub", torch.sub, False), ("Div", torch.div, True)):
        def row(name, *inputs):
            rows.add(name, op_type, function, inputs, positive=positive)

        row("two activations", ("x", (2, 3, 5)), ("x", (2, 3, 5)))
        for shape in ((7,), (1,), (1, 7)):
            row(f"vector and weight {shape}", ("x", (7,)), ("w", shape))
        for shape in (maps, (1, 3, 1, 1), (3, 1, 1), (5,), (4, 1), (3, 1, 5), (1, 1, 1), ()):
            row(f"maps and weight {shape}", ("x", maps), ("w", shape))
        row("weight first", ("w", (3, 1, 1)), ("x", (3, 4, 4)))
        row("larger weight first", ("w", (4, 1, 5)), ("x", (1, 3, 1)))
        row("smaller activation and weight", ("x", (3, 1)), ("w", (3, 5)))
        row("maps and a vector of channels", ("x", maps), ("x", (3, 1, 1)))
        row("channels and maps", ("x", (3, 1, 1)), ("x", maps))
        row("rows and columns", ("x", (4, 1)), ("x", (1, 6)))
        row("maps and one value", ("x", maps), ("x", (1, 1, 1)))
        row("single values", ("x", (1, 1)), ("x", (1, 1)))

    def power(name, inputs, positive=True):
        # An exponent that is a weight stays as it is.
        def run(a, b):
            return a ** b if inputs[1][0] == "x" else a ** b.detach() + 0 * b.sum()

        rows.add(name, "Pow", run, inputs, positive=positive)

    power("two activations", [("x", (3, 4)), ("x", (3, 4))])
    power("weight as exponent", [("x", (3, 4)), ("w", (4,))])
    power("weight as base", [("w", (4,)), ("x", (3, 4))])
    power("square", [("x", maps), ("w", (), [2.0])], positive=False)
    power("cube", [("x", maps), ("w", (1,), [3.0])], positive=False)
    power("root", [("x", maps), ("w", (), [0.5])])
    power("reciprocal", [("x", maps), ("w", (), [-1.0])])
    power("different exponents", [("x", (5, 4)), ("w", (4,), [2.0, 0.0, 1.0, 4.0])], positive=False)

    for op_type, function in (("Max", torch.maximum), ("Min", torch.minimum)):
        rows.add("two activations", op_type, function, [("x", (2, 3, 5)), ("x", (2, 3, 5))])
        rows.add("ties", op_type, function, [("x", (4, 5)), ("x", (4, 5))], ties=True)
        rows.add("one value", op_type, function, [("x", maps), ("w", (), [0.25])])
        rows.add("weight first", op_type, function, [("w", (3, 1, 1)), ("x", maps)])

    for shape in ((3, 1, 1), maps, (1,), (1, 1, 5)):
        rows.add(f"slopes {shape}", "PRelu", lambda x, s: torch.where(x >= 0, x, s * x),
                 [("x", maps), ("w", shape)])
    rows.add("slopes an activation", "PRelu", lambda x, s: torch.where(x >= 0, x, s * x),
             [("x", (7,)), ("x", (7,))])

    for op_type, function in (("Equal", torch.eq), ("Greater", torch.gt), ("Less", torch.lt),
                              ("GreaterOrEqual", torch.ge), ("LessOrEqual", torch.le)):
        def compare(a, b):
            return function(a, b).double() + 0 * (a.sum() + b.sum())

        rows.add("two activations", op_type, compare, [("x", (3, 5)), ("x", (3, 5))], ties=True)
        rows.add("one value", op_type, compare, [("x", maps), ("w", (), [0.5])])
        rows.add("weight first", op_type, compare, [("w", (4, 1)), ("x", (4, 5))], ties=True)
