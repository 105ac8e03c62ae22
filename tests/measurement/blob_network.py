"""A tiny network of the YOLO kind that finds bright spots: every pixel is a candidate box."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

_BOX = 24.0  # pixels, side of every box


def write_network(
    path: Path, *, side: int = 96, layout: str = "yolov8", logits: bool = False, rank: int = 4
) -> Path:
    """Write a network with an input (1, 3, side, side) in [0, 1] and the output of `layout`.

    The picture is smoothed; where a pixel is the brightest of 9 by 9, its score grows from 0 at a
    brightness of 0.2 to 1 at 0.3, elsewhere it is 0. Logits are 20 times (score - 0.5).
    """
    count = side * side
    profile = np.exp(-(np.arange(-3, 4) ** 2) / 8)
    kernel = np.outer(profile, profile)
    kernel = np.broadcast_to(kernel / kernel.sum() / 3, (1, 3, 7, 7)).astype(np.float32)
    # Pixel i covers i to i + 1 in the coordinates of such networks.
    yy, xx = np.mgrid[:side, :side] + 0.5
    box = np.full(count, _BOX)
    places = np.stack([xx.ravel(), yy.ravel(), box, box])[None].astype(np.float32)
    if layout == "end2end":
        half = _BOX / 2
        places[0] = [
            places[0, 0] - half,
            places[0, 1] - half,
            places[0, 0] + half,
            places[0, 1] + half,
        ]
    constants = {
        "kernel": kernel,
        "places": places,
        "low": np.float32(0.2),
        "high": np.float32(0.1),
        "zero": np.float32(0),
        "one": np.float32(1),
        "half": np.float32(0.5),
        "steep": np.float32(20),
        "flat": np.array([1, 1, count], np.int64),
        "ones": np.ones((1, 1, count), np.float32),
        "zeros": np.zeros((1, 1, count), np.float32),
        "most": np.array([20], np.int64),
    }
    node = helper.make_node
    nodes = [
        node("Conv", ["image", "kernel"], ["smooth"], pads=[3, 3, 3, 3]),
        node("MaxPool", ["smooth"], ["around"], kernel_shape=[9, 9], pads=[4] * 4),
        node("Equal", ["smooth", "around"], ["peak"]),
        node("Sub", ["smooth", "low"], ["above"]),
        node("Div", ["above", "high"], ["steps"]),
        node("Clip", ["steps", "zero", "one"], ["bright"]),
        node("Where", ["peak", "bright", "zero"], ["map"]),
        node("Reshape", ["map", "flat"], ["score"]),
    ]
    score = "score"
    if logits:
        nodes += [
            node("Sub", ["score", "half"], ["centered"]),
            node("Mul", ["centered", "steep"], ["logit"]),
        ]
        score = "logit"
    if layout == "yolov8":
        nodes += [node("Concat", ["places", score], ["output"], axis=1)]
        shape: tuple[int, ...] = (1, 5, count)
    elif layout == "yolov5":
        nodes += [
            node("Concat", ["places", "ones", score], ["columns"], axis=1),
            node("Transpose", ["columns"], ["output"], perm=[0, 2, 1]),
        ]
        shape = (1, count, 6)
    elif layout == "end2end":
        nodes += [
            node("Concat", ["places", score, "zeros"], ["columns"], axis=1),
            node("TopK", [score, "most"], ["best", "where"], axis=2),
            node("Squeeze", ["where"], ["indices"]),
            node("Gather", ["columns", "indices"], ["chosen"], axis=2),
            node("Transpose", ["chosen"], ["output"], perm=[0, 2, 1]),
        ]
        shape = (1, 20, 6)
    else:
        nodes += [node("Identity", ["map"], ["output"])]
        shape = (1, 1, side, side)
    if rank == 3:
        nodes = [node("Identity", ["image"], ["output"])]
        shape = (3, side, side)
    given = (1, 3, side, side) if rank == 4 else (3, side, side)
    used = {name for item in nodes for name in item.input}
    graph = helper.make_graph(
        nodes,
        "blobs",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, given)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, shape)],
        [
            numpy_helper.from_array(np.asarray(value), name)
            for name, value in constants.items()
            if name in used
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    save(model, path)
    return path
