"""Rows of QuantizeLinear and DequantizeLinear."""
import torch

RANGES = {"uint8": (0, 255), "int8": (-128, 127), "uint4": (0, 15), "int4": (-8, 7)}


def along(values, axis, rank):
    """A vector of scales with the axes of a batch."""
    if values.numel() == 1:
        return values.reshape(())
    return values.reshape([-1 if i == axis % rank else 1 for i in range(rank)])


def add(rows):
    # Scales and zero points get no gradient; rounding passes it on where nothing saturates.
    def quantize(name, shape, scales, zero_points=None, axis=None, to=None, **flags):
        low, high = RANGES[to or "uint8"]

        def run(x, scale, zero_point=None):
            s = along(scale.detach(), axis or 1, x.dim())
            z = 0 if zero_point is None else along(zero_point.detach(), axis or 1, x.dim())
            steps = x / s
            value = torch.round(steps.detach()) + z
            inside = (value >= low) & (value <= high)
            y = value.clamp(low, high) + torch.where(inside, steps - steps.detach(), 0 * steps)
            return y + 0 * (scale.sum() + (0 if zero_point is None else zero_point.sum()))

        add_row(name, "QuantizeLinear", run, shape, scales, zero_points, axis,
                straight_through=True, **({} if to is None else {"to": to}))

    def dequantize(name, shape, scales, zero_points=None, axis=None):
        def run(x, scale, zero_point=None):
            s = along(scale.detach(), axis or 1, x.dim())
            z = 0 if zero_point is None else along(zero_point.detach(), axis or 1, x.dim())
            return (x - z) * s + 0 * (scale.sum() + (0 if zero_point is None else zero_point.sum()))

        add_row(name, "DequantizeLinear", run, shape, scales, zero_points, axis)

    def add_row(name, op_type, run, shape, scales, zero_points, axis, **more):
        def weight(values):
            return ("w", (len(values),) if len(values) > 1 else (), values)

        inputs = [("x", shape), weight(scales)] + ([weight(zero_points)] if zero_points else [])
        rows.add(name, op_type, run, inputs, **more, **({} if axis is None else {"axis": axis}))

    quantize("saturating at 0", (3, 4, 5), [0.03125])
    quantize("zero point", (3, 4, 5), [0.015625], [128.0])
    quantize("halves to even", (7,), [0.015625], [-3.0], to="int8")
    quantize("channels", (3, 4, 5), [0.01, 0.02, 0.03], [100.0, 128.0, 3.0])
    quantize("columns, no zero points", (3, 4, 3), [0.01, 0.02, 0.003], axis=-1, to="int8")
    quantize("4 bits", (3, 4, 3), [0.2], [1.0], to="int4")
    quantize("4 bits without sign", (3, 4, 3), [0.1], [8.0], to="uint4")
    dequantize("no zero point", (3, 4, 5), [0.25])
    dequantize("zero point", (3, 4, 5), [0.25], [128.0])
    dequantize("channels", (3, 4, 5), [0.1, 0.2, 0.3], [1.0, -2.0, 3.0])
    dequantize("rows", (3, 2, 5), [0.5, 2.0], axis=2)
    dequantize("features", (5,), [0.1, 0.2, 0.3, 0.4, 0.5], [1.0, 2.0, 3.0, 4.0, 5.0])
