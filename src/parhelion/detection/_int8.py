"""Convolutional networks in 8-bit integers, for processors that multiply these four times faster.

Activations are unsigned with a scale and a zero point, weights signed with a scale for each
output channel (Jacob et al. 2018, Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference, sections 2.1 and 3). Convolutions, the sums of residual
branches, ReLU and maximum pooling stay in integers; every other operation is done in float32.
Sums of integers are exact: what comes out for an image does not depend on its neighbors.
"""

import operator
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.experimental.optimization import fuse
from torch.nn import functional

from parhelion.errors import ModelError

#: From where to where each intermediate result goes, by the name of its node; 0 is within.
Ranges = dict[str, tuple[float, float]]

_PERCENTILES = (0.001, 0.999)
_SAMPLED = 1 << 15  # about as many values of an image are enough for these
_RELU_FUNCTIONS = (torch.relu, functional.relu)
_ADD_FUNCTIONS = (operator.add, operator.iadd, torch.add)


def can_multiply_int8() -> bool:
    """Whether this processor multiplies 8-bit integers natively, and torch knows how to."""
    return hasattr(torch.ops.onednn, "qconv2d_pointwise") and bool(torch.cpu._is_vnni_supported())


def fold(network: nn.Module) -> fx.GraphModule:
    """Return the graph of a network in evaluation mode, batch norms folded into convolutions.

    Raises
    ------
    ModelError
        If the network is not one fixed graph.
    """
    try:
        folded: Any = fuse(network.eval())
    except (fx.proxy.TraceError, TypeError, NotImplementedError) as error:
        raise ModelError(f"this network cannot be traced: {error}") from error
    graph: fx.GraphModule = folded
    return graph


def observe(network: fx.GraphModule, batches: Iterable[Tensor]) -> Ranges:
    """Return the ranges of what passes through a folded network.

    Parameters
    ----------
    network : GraphModule
        As `fold` returns it.
    batches : iterable of Tensor
        Inputs of the network, float32; at least one.
    """
    watcher = _Watcher(network)
    with torch.inference_mode():
        for batch in batches:
            watcher.run(batch)
    inputs = {node.name for node in network.graph.nodes if node.op == "placeholder"}
    return {name: _range(ends, name in inputs) for name, ends in watcher.seen.items()}


def quantize(network: fx.GraphModule, ranges: Ranges) -> fx.GraphModule:
    """Return a folded network in 8-bit integers; it takes and gives float32.

    Raises
    ------
    ModelError
        If a range is missing: they are of another network.
    """
    return _Quantizer(network, dict(ranges)).run()


class _Watcher(fx.Interpreter):
    """Runs a network and keeps the range of each image-like result.

    That is the mean over images of their 0.1th and 99.9th percentile: the few values beyond are
    cut off, for the others get finer steps. (Here it made the error of logits five times
    smaller.) Of the input it is everything.
    """

    def __init__(self, network: fx.GraphModule) -> None:
        super().__init__(network)
        self.seen: dict[str, list[Tensor]] = defaultdict(list)

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor) and result.ndim == 4 and n.op != "output":
            values = result.flatten(1)
            if n.op == "placeholder":
                ends = torch.stack([values.min(), values.max()])[None]
            else:
                # An odd step, so that no column is taken more often than another.
                some = values[:, :: max(1, values.shape[1] // _SAMPLED) | 1]
                ends = torch.quantile(some, torch.tensor(_PERCENTILES), dim=1).T
            self.seen[n.name].append(ends)
        return result


class _Convolution(nn.Module):
    """A convolution of 8-bit images, with what follows it: ReLU, or a sum and ReLU."""

    def __init__(self, conv: nn.Conv2d, after: str, *quantizations: tuple[float, int]) -> None:
        super().__init__()
        weight = conv.weight.detach().float()
        self.scales = weight.abs().amax((1, 2, 3)).clamp_min(1e-12) / 127
        self.zeros = torch.zeros(len(weight), dtype=torch.int32)
        self.bias = conv.bias.detach().float() if conv.bias is not None else None
        self.image, self.result, *self.other = quantizations
        self.shape = [list(conv.stride), list(conv.padding), list(conv.dilation), conv.groups]
        self.weight = (weight / self.scales[:, None, None, None]).round().to(torch.int8)
        self.packed: dict[torch.Size, Any] = {}
        self.after = after

    def forward(self, image: Tensor, other: Tensor | None = None) -> Tensor:
        """Return ``(N, C, H, W)`` uint8; `other` is what a sum adds, and is written over."""
        if image.shape not in self.packed:
            # How weights lie best depends on the shape; else they are moved at every call.
            self.packed[image.shape] = torch.ops.onednn.qconv_prepack(
                self.weight, self.scales, *self.image, *self.shape, list(image.shape)
            )
        given = (image, *self.image, self.packed[image.shape], self.scales, self.zeros)
        result: Tensor
        if other is None:
            result = torch.ops.onednn.qconv2d_pointwise(
                *given, self.bias, *self.shape, *self.result, torch.uint8, self.after, [], ""
            )
        else:
            result = torch.ops.onednn.qconv2d_pointwise.binary(
                *given, other, self.bias, *self.shape, *self.result, torch.uint8,
                *self.other[0], "sum", 1.0, self.after, [], "",
            )  # fmt: skip
        return result


class _Quantizer:
    """Writes the integer graph, node by node.

    A convolution whose only reader is a ReLU, or a sum that only a ReLU reads, waits for it:
    they are one operation.
    """

    def __init__(self, network: fx.GraphModule, ranges: Ranges) -> None:
        self.source = network
        self.ranges = ranges
        self.modules = dict(network.named_modules())
        self.order = {node: place for place, node in enumerate(network.graph.nodes)}
        self.graph = fx.Graph()
        self.root = nn.Module()
        self.floats: dict[fx.Node, fx.Node] = {}
        self.integers: dict[fx.Node, fx.Node] = {}

    def run(self) -> fx.GraphModule:
        for node in self.source.graph.nodes:
            if not self._waits(node):
                self._write(node)
        network = fx.GraphModule(self.root, self.graph)
        network.graph.eliminate_dead_code()
        network.recompile()
        return network.eval()

    def _write(self, node: fx.Node) -> None:
        before = next(iter(node.all_input_nodes), node)
        if self._is_conv(node):
            self.integers[node] = self._conv(node, node, "none")
        elif self._is_relu(node) and self._is_conv(before) and self._waits(before):
            self.integers[node] = self._conv(before, node, "relu")
        elif self._is_relu(node) and self._is_add(before) and self._waits(before):
            self.integers[node] = self._sum(before, node)
        elif self._is(node, nn.Identity, nn.Dropout):
            for known in (self.floats, self.integers):
                if before in known:
                    known[node] = known[before]
            self.ranges[node.name] = self.ranges.get(before.name, (0.0, 0.0))
        elif self._is_pool(node) and before in self.integers:
            pool = self._of(node)
            sides = (pool.kernel_size, pool.stride, pool.padding)
            self.integers[node] = self.graph.call_function(
                _largest, (self.integers[before], *sides)
            )
            # The largest value is the largest integer: the scale stays.
            self.ranges[node.name] = self.ranges[before.name]
        elif node.op == "call_module":
            self.floats[node] = self._module(node, self._float)
        elif node.op == "get_attr":
            raise ModelError(f"this network reads {node.target} itself; use bf16 or fp32")
        else:
            self.floats[node] = self.graph.node_copy(node, self._float)

    def _conv(
        self, conv: fx.Node, result: fx.Node, after: str, other: fx.Node | None = None
    ) -> fx.Node:
        """Write a convolution whose result, after what is done to it, is that of `result`."""
        image = conv.all_input_nodes[0]
        inputs = [self._integer(image)]
        scales = [self._scale(image), self._scale(result)]
        if other is not None:
            inputs.append(self._own(other, result))
            scales.append(self._scale(other))
        name = conv.name
        self.root.add_module(name, _Convolution(self._of(conv), after, *scales))
        return self.graph.call_module(name, tuple(inputs))

    def _sum(self, add: fx.Node, relu: fx.Node) -> fx.Node:
        """Write a sum of two branches and its ReLU, with the convolution that waits for it."""
        first, second = add.all_input_nodes
        if self._waits(first):
            return self._conv(first, relu, "relu", second)
        return self._conv(second, relu, "relu", first)

    def _own(self, node: fx.Node, reader: fx.Node) -> fx.Node:
        """Return a quantized node that may be written over: a copy if others read it later."""
        integer = self._integer(node)
        if any(self.order[user] > self.order[reader] for user in node.users):
            return self.graph.call_method("clone", (integer,))
        return integer

    def _module(self, node: fx.Node, given: Callable[[fx.Node], fx.Node]) -> fx.Node:
        self.root.add_module(node.name, self._of(node))
        copy = self.graph.node_copy(node, given)
        copy.target = node.name
        return copy

    def _integer(self, node: fx.Node) -> fx.Node:
        """Return a node's values as 8-bit integers."""
        if node not in self.integers:
            if self._waits(node):  # the other branch of a sum
                self.integers[node] = self._conv(node, node, "none")
            else:
                arguments = (self.floats[node], *self._scale(node))
                self.integers[node] = self.graph.call_function(_to_integers, arguments)
        return self.integers[node]

    def _float(self, node: fx.Node) -> fx.Node:
        """Return a node's values in float32."""
        if node not in self.floats:
            arguments = (self.integers[node], *self._scale(node))
            self.floats[node] = self.graph.call_function(_to_floats, arguments)
        return self.floats[node]

    def _scale(self, node: fx.Node) -> tuple[float, int]:
        """Return scale and zero point of a node's values."""
        if node.name not in self.ranges:
            raise ModelError(f"no range is known for {node.name}; calibrate this network again")
        low, high = self.ranges[node.name]
        scale = max(high - low, 1e-6) / 255
        return scale, min(max(round(-low / scale), 0), 255)

    def _waits(self, node: fx.Node) -> bool:
        """Whether a node is written together with its only reader."""
        if len(node.users) != 1:
            return False
        reader = next(iter(node.users))
        if self._is_conv(node):
            return self._is_relu(reader) or (self._is_add(reader) and self._waits(reader))
        if self._is_add(node):
            return self._is_relu(reader) and any(
                self._is_conv(branch) and len(branch.users) == 1 for branch in node.all_input_nodes
            )
        return False

    def _is(self, node: fx.Node, *kinds: type[nn.Module]) -> bool:
        return node.op == "call_module" and isinstance(self._of(node), kinds)

    def _of(self, node: fx.Node) -> Any:
        return self.modules[str(node.target)]

    def _is_conv(self, node: fx.Node) -> bool:
        if not self._is(node, nn.Conv2d):
            return False
        conv = self._of(node)
        return conv.padding_mode == "zeros" and not isinstance(conv.padding, str)

    def _is_pool(self, node: fx.Node) -> bool:
        if not self._is(node, nn.MaxPool2d):
            return False
        pool = self._of(node)
        plain = pool.dilation == 1 and not pool.ceil_mode and not pool.return_indices
        return plain and all(isinstance(s, int) for s in (pool.kernel_size, pool.stride))

    def _is_relu(self, node: fx.Node) -> bool:
        return self._is(node, nn.ReLU) or node.target in _RELU_FUNCTIONS

    def _is_add(self, node: fx.Node) -> bool:
        return node.target in _ADD_FUNCTIONS and len(node.all_input_nodes) == 2


def _to_integers(values: Tensor, scale: float, zero: int) -> Tensor:
    whole = values.div(scale).round_().add_(zero).clamp_(0, 255).to(torch.uint8)
    return whole.contiguous(memory_format=torch.channels_last)


def _to_floats(values: Tensor, scale: float, zero: int) -> Tensor:
    return values.float().sub_(zero).mul_(scale)


def _largest(values: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
    """Return the maximum pooling of uint8, which torch's own cannot do for large images."""
    result = functional.pad(values, (padding,) * 4)  # 0 is the least integer
    for axis in (2, 3):
        count = (result.shape[axis] - kernel) // stride + 1
        span = stride * (count - 1) + 1
        parts = [result.narrow(axis, first, span) for first in range(kernel)]
        if axis == 2:
            parts = [part[:, :, ::stride] for part in parts]
        else:
            parts = [part[..., ::stride] for part in parts]
        result = parts[0]
        for part in parts[1:]:
            result = torch.maximum(result, part)
    return result


def _range(ends: list[Tensor], whole: bool) -> tuple[float, float]:
    """Return the range that 0 is in, of the least and largest value of each image or batch."""
    every = torch.cat(ends)
    low, high = (every[:, 0].min(), every[:, 1].max()) if whole else every.mean(0)
    return min(0.0, float(low)), max(0.0, float(high))
