"""Evaluates an ONNX file with NumPy alone: the operators that `sslc export` writes, by ONNX's definitions.

A second opinion beside ONNX Runtime, for tests that need nothing but Debian's python3-onnx (whose version has no
evaluator of its own).
usage: python3 evaluate.py FILE.onnx OUT.npy NAME=INPUT.npy ...
       python3 evaluate.py --print FILE.onnx       the graph as text, without the numbers of weights
"""
import math, sys
import numpy
import onnx
from onnx import helper, numpy_helper

numpy.seterr(all="ignore")  # log1p and divisions compute both sides of a Where
erf = numpy.vectorize(math.erf, otypes=[numpy.float32])


def spatial(x, a, fill):
    """Windows of [n, c, space...]: [n, c, positions..., places...]."""
    size = a["kernel_shape"]
    spaces = len(size)
    pads = a.get("pads", [0] * 2 * spaces)
    x = numpy.pad(x, [(0, 0), (0, 0)] + list(zip(pads[:spaces], pads[spaces:])), constant_values=fill)
    for i in range(spaces):
        reach = (size[i] - 1) * a.get("dilations", [1] * spaces)[i] + 1
        x = numpy.lib.stride_tricks.sliding_window_view(x, reach, axis=2 + i)
        x = x[(slice(None),) * (2 + i) + (slice(None, None, a.get("strides", [1] * spaces)[i]),)]
        x = x[..., ::a.get("dilations", [1] * spaces)[i]]
    return x


def conv(a, x, w):
    groups, spaces = a.get("group", 1), w.ndim - 2
    v = spatial(x, a, 0)
    v = v.reshape(v.shape[0], groups, -1, *v.shape[2:])
    w = w.reshape(groups, -1, *w.shape[1:])
    p, k = "hij"[:spaces], "xyz"[:spaces]
    y = numpy.einsum(f"bgc{p}{k},gnc{k}->bgn{p}", v, w, dtype=numpy.float64).astype(numpy.float32)
    return y.reshape(y.shape[0], -1, *y.shape[3:])


def softmax(a, x):
    e = numpy.exp(x - x.max(a["axis"], keepdims=True))
    return e / e.sum(a["axis"], keepdims=True)


def layer_norm(a, x, scale, shift):
    wide = x.astype(numpy.float64)
    c = wide - wide.mean(-1, keepdims=True)
    return (c / numpy.sqrt((c * c).mean(-1, keepdims=True) + a["epsilon"])).astype(numpy.float32) * scale + shift


def batch_norm(a, x, scale, shift, mean, var):
    s = (1, -1) + (1,) * (x.ndim - 2)
    rate = scale / numpy.sqrt(var + numpy.float32(a["epsilon"]))
    return (x - mean.reshape(s)) * rate.reshape(s) + shift.reshape(s)


def take(x, starts, stops, axes, steps):
    at = [slice(None)] * x.ndim
    for start, stop, axis, step in zip(starts, stops, axes, steps):
        at[axis] = slice(start, None if stop == -2**63 else stop, step)
    return x[tuple(at)]


def pad(a, x, pads, value):
    low, high = pads[:x.ndim], pads[x.ndim:]
    x = numpy.pad(x, [(max(l, 0), max(h, 0)) for l, h in zip(low, high)], constant_values=value)
    return x[tuple(slice(max(-l, 0), d - max(-h, 0)) for l, h, d in zip(low, high, x.shape))]


def scatter(a, x, at, y):
    x = x.copy()
    numpy.add.at(x, tuple(numpy.moveaxis(at, -1, 0)), y)
    return x


def divide(a, x, y):
    return x / y if x.dtype.kind == "f" else (numpy.trunc(x.astype(float) / y)).astype(x.dtype)


def axes_of(a, axes=None):
    return tuple(a["axes"] if axes is None else axes)


OPS = {
    "Add": lambda a, x, y: x + y, "Sub": lambda a, x, y: x - y, "Mul": lambda a, x, y: x * y, "Div": divide,
    "Mod": lambda a, x, y: numpy.fmod(x, y), "Pow": lambda a, x, y: x ** y,
    "Max": lambda a, x, y: numpy.maximum(x, y), "Min": lambda a, x, y: numpy.minimum(x, y),
    "Less": lambda a, x, y: x < y, "LessOrEqual": lambda a, x, y: x <= y, "Equal": lambda a, x, y: x == y,
    "And": lambda a, x, y: x & y, "Or": lambda a, x, y: x | y, "Xor": lambda a, x, y: x ^ y, "Not": lambda a, x: ~x,
    "Where": lambda a, c, x, y: numpy.where(c, x, y), "Clip": lambda a, x, low, high: numpy.clip(x, low, high),
    "IsNaN": lambda a, x: numpy.isnan(x), "IsInf": lambda a, x: numpy.isinf(x),
    "Neg": lambda a, x: -x, "Abs": lambda a, x: abs(x), "Exp": lambda a, x: numpy.exp(x), "Log": lambda a, x: numpy.log(x),
    "Sqrt": lambda a, x: numpy.sqrt(x), "Sin": lambda a, x: numpy.sin(x), "Cos": lambda a, x: numpy.cos(x),
    "Tanh": lambda a, x: numpy.tanh(x), "Erf": lambda a, x: erf(x), "Floor": lambda a, x: numpy.floor(x),
    "Relu": lambda a, x: numpy.maximum(x, 0), "Sigmoid": lambda a, x: 1 / (1 + numpy.exp(-x)), "Softmax": softmax,
    "Identity": lambda a, x: x, "Cast": lambda a, x: x.astype(helper.mapping.TENSOR_TYPE_TO_NP_TYPE[a["to"]]),
    "Shape": lambda a, x: numpy.array(x.shape[a["start"]:a["end"]], numpy.int64),
    "Range": lambda a, x, y, z: numpy.arange(x, y, z, dtype=x.dtype),
    "Reshape": lambda a, x, to: x.reshape(to), "Transpose": lambda a, x: x.transpose(a["perm"]),
    "Expand": lambda a, x, to: numpy.broadcast_to(x, numpy.broadcast_shapes(x.shape, tuple(to))),
    "Concat": lambda a, *x: numpy.concatenate(x, a["axis"]), "Slice": lambda a, *x: take(*x), "Pad": pad,
    "Gather": lambda a, x, at: numpy.take(x, at, a["axis"]), "ScatterND": scatter,
    "ReduceSum": lambda a, x, axes: x.sum(axes_of(a, axes), keepdims=bool(a["keepdims"]), dtype=x.dtype),
    "ReduceMean": lambda a, x: x.mean(axes_of(a), keepdims=bool(a["keepdims"])),
    "ReduceMax": lambda a, x: x.max(axes_of(a), keepdims=bool(a["keepdims"])),
    "MatMul": lambda a, x, y: x @ y, "Einsum": lambda a, x, y: numpy.einsum(a["equation"].decode(), x, y),
    "Conv": conv, "MaxPool": lambda a, x: spatial(x, a, -numpy.inf).max(tuple(range(-len(a["kernel_shape"]), 0))),
    "LayerNormalization": layer_norm, "BatchNormalization": batch_norm,
}


def scan(node, a, values):
    """States, then what is gathered of all steps; the body sees the values around it."""
    body, sequences = a["body"], a["num_scan_inputs"]
    given = [values[name] for name in node.input]
    states, inputs = given[:len(given) - sequences], given[len(given) - sequences:]
    steps = list(range(len(inputs[0])))
    steps = steps[::-1] if a.get("scan_input_directions", [0])[0] else steps
    gathered = [[] for _ in body.output[len(states):]]
    for step in steps:
        made = run(body, dict(values) | dict(zip((i.name for i in body.input), states + [x[step] for x in inputs])))
        states = made[:len(states)]
        for to, y in zip(gathered, made[len(states):]):
            to.append(y)
    back = a.get("scan_output_directions", [0] * len(gathered))
    return states + [numpy.stack(to[::-1] if b else to) for to, b in zip(gathered, back)]


def run(graph, values):
    for node in graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Scan":
            values.update(zip(node.output, scan(node, attributes, values)))
        else:
            values[node.output[0]] = OPS[node.op_type](attributes, *(values[name] for name in node.input))
    return [values[out.name] for out in graph.output]


def read_by(graph):
    for node in graph.node:
        yield from node.input
        for body in (a.g for a in node.attribute if a.type == onnx.AttributeProto.GRAPH):
            yield from read_by(body)
    yield from (out.name for out in graph.output)


def evaluate(model, inputs):
    unread = {t.name for t in model.graph.initializer} - set(read_by(model.graph))
    assert not unread, f"nothing reads {unread}"
    return run(model.graph, {t.name: numpy_helper.to_array(t) for t in model.graph.initializer} | inputs)


def shown(value):
    dims = [d.dim_param or str(d.dim_value) for d in value.type.tensor_type.shape.dim]
    kind = onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type)
    return f"{value.name} {kind}[{','.join(dims)}]"


def show(model):
    print(f"ir {model.ir_version}, opset {model.opset_import[0].version}, {model.producer_name}, graph {model.graph.name}")
    for value in model.graph.input:
        print("input", shown(value))
    for t in model.graph.initializer:
        print("initializer", t.name, onnx.TensorProto.DataType.Name(t.data_type) + str(list(t.dims)).replace(" ", ""))
    for n in model.graph.node:
        attributes = " ".join(f"{a.name}={helper.get_attribute_value(a)}" for a in n.attribute)
        print(f"{n.output[0]} = {n.op_type}({', '.join(n.input)})", attributes, f"# {n.doc_string}" if n.doc_string else "")
    for value in model.graph.output:
        print("output", shown(value))


def main():
    path = sys.argv[2] if sys.argv[1] == "--print" else sys.argv[1]
    model = onnx.load(path)
    onnx.checker.check_model(model)
    if sys.argv[1] == "--print":
        return show(model)
    inputs = dict(word.split("=", 1) for word in sys.argv[3:])
    out, = evaluate(model, {name: numpy.load(file) for name, file in inputs.items()})
    numpy.save(sys.argv[2], out)


main() if __name__ == "__main__" else None
