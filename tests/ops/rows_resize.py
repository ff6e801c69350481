"""Rows of Resize and Upsample."""
import torch
import torch.nn.functional as F


def add(rows):
    def resize(name, shape, scales, run, op_type="Resize", **attributes):
        rows.add(name, op_type, run, [("x", shape)], scales=[1.0] + list(scales), **attributes)

    def torch_resize(scales, **how):
        return lambda x: F.interpolate(x, scale_factor=scales, recompute_scale_factor=False, **how)

    nearest = torch_resize((2, 2), mode="nearest")
    resize("nearest by 2", (2, 3, 4), (1.0, 2.0, 2.0), nearest)
    resize("nearest by 2, as PyTorch writes it", (2, 3, 4), (1.0, 2.0, 2.0), nearest,
           mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor",
           cubic_coeff_a=-0.75)
    resize("nearest by 2 and 3", (2, 3, 4), (1.0, 2.0, 3.0), torch_resize((2, 3), mode="nearest"))
    resize("nearest by 1.5", (2, 4, 6), (1.0, 1.5, 1.5), torch_resize((1.5, 1.5), mode="nearest"),
           coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    resize("nearest by a half", (1, 6, 8), (1.0, 0.5, 0.5), lambda x: x[:, :, ::2, ::2],
           coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    resize("nearest, the upper of two", (1, 2, 4), (1.0, 1.0, 0.5), lambda x: x[:, :, :, 1::2],
           nearest_mode="round_prefer_ceil")
    resize("nearest, the lower of two", (1, 2, 4), (1.0, 1.0, 0.5), lambda x: x[:, :, :, ::2])
    resize("nearest from above", (1, 2, 3), (1.0, 1.0, 2.0),
           lambda x: x[:, :, :, [0, 1, 1, 2, 2, 2]], coordinate_transformation_mode="asymmetric",
           nearest_mode="ceil")
    resize("nothing", (2, 3, 4), (1.0, 1.0, 1.0), lambda x: x.clone())
    resize("linear by 2", (2, 3, 4), (1.0, 2.0, 2.0),
           torch_resize((2, 2), mode="bilinear", align_corners=False), mode="linear")
    resize("linear by 3 and 1", (2, 3, 4), (1.0, 3.0, 1.0),
           torch_resize((3, 1), mode="bilinear", align_corners=False), mode="linear",
           coordinate_transformation_mode="pytorch_half_pixel")
    resize("linear by 2, corners aligned", (2, 3, 4), (1.0, 2.0, 2.0),
           torch_resize((2, 2), mode="bilinear", align_corners=True), mode="linear",
           coordinate_transformation_mode="align_corners")

    def asymmetric(x):
        """Each column and the mean of it and the next."""
        following = torch.cat([x[..., 1:], x[..., -1:]], -1)
        return torch.stack([x, (x + following) / 2], -1).flatten(-2)

    resize("linear by 2 and 1, asymmetric", (2, 3, 4), (1.0, 1.0, 2.0), asymmetric, mode="linear",
           coordinate_transformation_mode="asymmetric")
    resize("by 2", (2, 3, 4), (1.0, 2.0, 2.0), nearest, op_type="Upsample")
    resize("linear", (2, 3, 4), (1.0, 1.0, 2.0), asymmetric, op_type="Upsample", mode="linear")
    rows.add("to a size", "Resize", lambda x: F.interpolate(x, (5, 3), mode="bilinear"),
             [("x", (2, 3, 4))], sizes=[1, 2, 5, 3], mode="linear")
