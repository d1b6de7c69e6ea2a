"""A tiny Caffe network, written field by field, and what it answers by NumPy alone."""

import struct

import numpy as np
from scipy.special import softmax

SIDE, CLASSES = 12, 7

PROTOTXT = """
name: "tiny"  # input_dim: 9 in a comment counts for nothing
input: "data"
input_dim: 10 input_dim: 3 input_dim: 12 input_dim: 12
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 4 kernel_size: 3 stride: 1 } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
  pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "fc" type: "InnerProduct" bottom: "pool1" top: "fc"
  inner_product_param { num_output: 7 } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
"""


def varint(value):
    out = b""
    while value >= 128:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def blob(values):
    """BlobProto: shape (7) with packed dims (1), data (5) packed."""
    shape = field(1, b"".join(varint(size) for size in values.shape))
    return field(7, shape) + field(5, values.astype("<f4").tobytes())


def old_blob(values):
    """BlobProto as old Caffe writes mean images: num to width (1 to 4), one float at a time."""
    head = b"".join(varint(n << 3) + varint(s) for n, s in enumerate((1, *values.shape), start=1))
    floats = (varint(5 << 3 | 5) + struct.pack("<f", value) for value in values.reshape(-1))
    return head + b"".join(floats)


def caffemodel(layers):
    """NetParameter: name (1), layers (100) of name (1), type (2) and blobs (7)."""
    out = field(1, b"tiny")
    for name, kind, *values in layers:
        head = field(1, name.encode()) + field(2, kind.encode())
        out += field(100, head + b"".join(field(7, blob(value)) for value in values))
    return out


class TinyCaffe:
    """Convolution, ReLU, pooling, inner product and softmax with random weights."""

    def __init__(self, seed=0, scale=0.01):
        random = np.random.default_rng(seed)
        self.kernel = random.normal(size=(4, 3, 3, 3)).astype(np.float32) * scale
        self.bias = random.normal(size=4).astype(np.float32)
        self.dense = random.normal(size=(CLASSES, 100)).astype(np.float32)
        self.shift = random.normal(size=CLASSES).astype(np.float32)

    @property
    def weights(self):
        return caffemodel(
            [
                ("conv1", "Convolution", self.kernel, self.bias),
                ("fc", "InnerProduct", self.dense, self.shift),
            ]
        )

    def write(self, folder, stem="tiny"):
        (folder / f"{stem}.prototxt").write_text(PROTOTXT)
        path = folder / f"{stem}.caffemodel"
        path.write_bytes(self.weights)
        return path

    def answers(self, inputs):
        """Return probabilities (N, K) for inputs (N, 3, 12, 12), with loops over the kernel."""
        maps = np.zeros((len(inputs), 4, SIDE - 2, SIDE - 2)) + self.bias[:, None, None]
        for row in range(3):
            for column in range(3):
                part = inputs[:, :, row : row + SIDE - 2, column : column + SIDE - 2]
                maps += np.einsum("nchw,kc->nkhw", part, self.kernel[:, :, row, column])
        pooled = np.maximum(maps, 0).reshape(len(inputs), 4, 5, 2, 5, 2).max(axis=(3, 5))
        return softmax(pooled.reshape(len(inputs), -1) @ self.dense.T + self.shift, axis=1)
