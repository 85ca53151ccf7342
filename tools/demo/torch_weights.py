# torch_weights.py - reads the tensors of a PyTorch state dictionary (.pth) without PyTorch and without running anything from it
# SPDX-License-Identifier: Apache-2.0
"""A .pth is pickled. This unpickler knows the four names that a state dictionary needs and refuses every other, so a file cannot make it
import or call anything. Both forms are read: the zip archive (PyTorch 1.6 and up) and the stream of pickles before it."""
import collections
import io
import pickle
import zipfile

import numpy as np

STORAGES = {"FloatStorage": np.float32, "HalfStorage": np.float16, "DoubleStorage": np.float64, "LongStorage": np.int64, "IntStorage": np.int32,
            "ShortStorage": np.int16, "CharStorage": np.int8, "ByteStorage": np.uint8, "BoolStorage": np.bool_}
MAGIC = 0x1950A86A20F9469CFC6C


class Storage:
    """A named block of elements; `data` is filled once the block has been read."""

    def __init__(self, dtype, size):
        self.dtype, self.size, self.data = np.dtype(dtype), size, None


class Tensor:
    def __init__(self, storage, offset, shape, strides):
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def numpy(self):
        s = self.storage
        last = self.offset + sum((n - 1) * st for n, st in zip(self.shape, self.strides)) if all(self.shape) else self.offset
        if min((self.offset, *self.strides, *self.shape), default=0) < 0 or last > s.size - (1 if all(self.shape) else 0):
            raise ValueError("a tensor reaches outside its storage")
        strides = [st * s.dtype.itemsize for st in self.strides]
        return np.lib.stride_tricks.as_strided(s.data[self.offset:], self.shape, strides).copy()


class Unpickler(pickle.Unpickler):
    def __init__(self, file, storages):
        super().__init__(file)
        self.storages = storages

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: Tensor(storage, offset, shape, strides)
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda tensor, *_: tensor
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a state dictionary")

    def persistent_load(self, pid):
        kind, dtype, key, _location, size = pid[:5]
        if kind != "storage":
            raise pickle.UnpicklingError(f"unknown persistent object {kind!r}")
        return self.storages.setdefault(key, Storage(dtype, size))


def load(path):
    """{name: numpy array} of a state dictionary."""
    storages = {}
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as z:
            root = next(n for n in z.namelist() if n.endswith("data.pkl"))
            state = Unpickler(io.BytesIO(z.read(root)), storages).load()
            for key, s in storages.items():
                s.data = np.frombuffer(z.read(root[:-len("data.pkl")] + "data/" + key), s.dtype)
    else:
        with open(path, "rb") as f:
            if Unpickler(f, storages).load() != MAGIC:
                raise ValueError(f"{path} is no PyTorch file")
            Unpickler(f, storages).load()  # protocol version
            Unpickler(f, storages).load()  # sizes of the writer's types
            state = Unpickler(f, storages).load()
            for key in Unpickler(f, storages).load():
                s = storages[key]
                if int.from_bytes(f.read(8), "little") != s.size:
                    raise ValueError(f"storage {key} has another size than its tensors say")
                s.data = np.frombuffer(f.read(s.size * s.dtype.itemsize), s.dtype)
    if any(s.data is None or len(s.data) != s.size for s in storages.values()):
        raise ValueError(f"{path} is cut off")
    return {k: t.numpy() for k, t in state.items() if isinstance(t, Tensor)}
