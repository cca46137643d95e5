"""MNIST on one device as one tensor, its two noise models, and batches that are an index."""

from dgm_core.data.batching import Batches, batches
from dgm_core.data.digits import MNIST_FOLDER, DataError, Digits, mnist, mnist_splits
from dgm_core.data.noise import binarize, binarize_once, dequantize

__all__ = [
    "MNIST_FOLDER",
    "Batches",
    "DataError",
    "Digits",
    "batches",
    "binarize",
    "binarize_once",
    "dequantize",
    "mnist",
    "mnist_splits",
]
