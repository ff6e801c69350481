"""Rows of the functions of one variable."""
import torch
import torch.nn.functional as F

# The version of PyTorch that wrote the rows may have no approximation: spelt out.
SHARE = (2 / torch.pi) ** 0.5


def gelu_tanh(x):
    return 0.5 * x * (1 + torch.tanh(SHARE * (x + 0.044715 * x ** 3)))


def add(rows):
    maps = [("x", (3, 5, 7))]

    def function(name, op_type, run, **attributes):
        rows.add(name, op_type, run, maps, **attributes)

    function("", "Celu", F.celu)
    function("alpha 0.5", "Celu", lambda x: F.celu(x, 0.5), alpha=0.5)
    function("", "Clip", lambda x: x.clone())
    function("min", "Clip", lambda x: x.clamp(min=-0.5), min=-0.5)
    function("max", "Clip", lambda x: x.clamp(max=0.25), max=0.25)
    function("both", "Clip", lambda x: x.clamp(0, 1), min=0, max=1)
    function("", "Elu", F.elu)
    function("alpha 0.5", "Elu", lambda x: F.elu(x, 0.5), alpha=0.5)
    function("", "Gelu", F.gelu)
    function("none", "Gelu", F.gelu, approximate="none")
    function("tanh", "Gelu", gelu_tanh, approximate="tanh")
    function("", "HardSigmoid", lambda x: (0.2 * x + 0.5).clamp(0, 1))
    function("steep", "HardSigmoid", lambda x: (x + 0.25).clamp(0, 1), alpha=1.0, beta=0.25)
    function("", "HardSwish", F.hardswish)
    function("", "Mish", F.mish)
    function("", "Selu", F.selu)
    function("alpha and gamma", "Selu", lambda x: 2 * F.elu(x, 0.5), alpha=0.5, gamma=2.0)
    function("", "Softplus", F.softplus)
    function("", "Softsign", F.softsign)
    function("", "Swish", F.silu)
    function("alpha 2", "Swish", lambda x: x * torch.sigmoid(2 * x), alpha=2.0)
    function("", "ThresholdedRelu", lambda x: F.threshold(x, 1, 0))
    function("alpha -0.5", "ThresholdedRelu", lambda x: F.threshold(x, -0.5, 0), alpha=-0.5)

    function("", "Abs", torch.abs)
    function("", "Erf", torch.erf)
    function("", "Exp", torch.exp)
    function("", "Neg", torch.neg)
    for op_type, run in (("Log", torch.log), ("Sqrt", torch.sqrt)):
        rows.add("", op_type, run, maps, positive=True)
    rows.add("", "Reciprocal", torch.reciprocal, maps, positive=True)
    for op_type, run in (("Ceil", torch.ceil), ("Floor", torch.floor), ("Round", torch.round),
                         ("Sign", torch.sign)):
        function("", op_type, run)
