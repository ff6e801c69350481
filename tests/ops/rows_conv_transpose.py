"""Rows of ConvTranspose."""
import torch.nn.functional as F


def add(rows):
    def transpose(name, x, w, bias=True, strides=(1, 1), pads=(0, 0, 0, 0), dilations=(1, 1),
                  group=1, output_padding=(0, 0), described=None):
        """described: the attributes that say where the output ends, if not pads."""
        attributes = {"kernel_shape": list(w[2:])}
        for key, value, usual in (("strides", strides, (1, 1)), ("dilations", dilations, (1, 1)),
                                  ("output_padding", output_padding, (0, 0))):
            if value != usual:
                attributes[key] = list(value)
        if group != 1:
            attributes["group"] = group
        attributes.update({"pads": list(pads)} if described is None else described)

        def run(image, weight, b=None):
            y = F.conv_transpose2d(image, weight, b, strides, 0, output_padding, group, dilations)
            return y[:, :, pads[0]:y.shape[2] - pads[2], pads[1]:y.shape[3] - pads[3]]

        inputs = [("x", x), ("w", w)] + ([("w", (w[1] * group,))] if bias else [])
        rows.add(name, "ConvTranspose", run, inputs, **attributes)

    transpose("3x3", (2, 4, 5), (2, 3, 3, 3))
    transpose("1x1, no bias", (3, 4, 4), (3, 2, 1, 1), bias=False)
    transpose("2x2 stride 2", (4, 3, 5), (4, 2, 2, 2), strides=(2, 2))
    transpose("3x3 stride 2 padding 1", (3, 4, 4), (3, 5, 3, 3), strides=(2, 2), pads=(1, 1, 1, 1))
    transpose("3x3 stride 2 padding 1 and one more", (3, 4, 4), (3, 2, 3, 3), strides=(2, 2),
              pads=(1, 1, 1, 1), output_padding=(1, 1))
    transpose("4x4 stride 2 padding 1", (2, 7, 7), (2, 1, 4, 4), strides=(2, 2), pads=(1, 1, 1, 1))
    transpose("2x3 stride 1 by 2, padding of each side", (2, 4, 3), (2, 2, 2, 3), strides=(1, 2),
              pads=(0, 1, 1, 0))
    transpose("3x3 dilation 2", (2, 3, 4), (2, 3, 3, 3), dilations=(2, 2), pads=(1, 1, 2, 2))
    transpose("groups 2", (4, 3, 3), (4, 3, 2, 2), group=2, strides=(2, 2))
    transpose("depthwise", (3, 4, 4), (3, 1, 3, 3), group=3, pads=(1, 1, 1, 1))
    transpose("SAME_LOWER", (2, 3, 3), (2, 2, 3, 3), strides=(2, 2), pads=(1, 1, 0, 0),
              described={"auto_pad": "SAME_LOWER"})
    transpose("SAME_UPPER", (2, 3, 3), (2, 2, 3, 3), strides=(2, 2), pads=(0, 0, 1, 1),
              described={"auto_pad": "SAME_UPPER"})
    transpose("output_shape", (2, 3, 3), (2, 2, 3, 3), strides=(2, 2), pads=(1, 1, 0, 0),
              described={"output_shape": [6, 6]})
