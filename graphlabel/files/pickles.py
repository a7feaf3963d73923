"""Reading the pickle of a torch file without torch, and without trusting it.

A pickle is a program. This one may only put together numbers, texts, containers, arrays and the
classes it was allowed; a file that asks for anything else is refused before any of it runs.
Arrays come out as numpy arrays; bfloat16 as float32.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import re
import zipfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphlabel.errors import GraphFileError
from graphlabel.files.not_graphs import what_archive

DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}
"""numpy's names of the kinds of torch storage."""

_FORBIDDEN_CODES = frozenset({"INST", "OBJ", "EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "PERSID"})
_MOST_CODES = 2_000_000


class Inert:
    """Stands for a class of the file: keeps what it was given and does nothing."""

    values: tuple[Any, ...]
    fields: Mapping[str, Any]

    def __new__(cls, *values: Any) -> Inert:
        """Keep the arguments; pickles make objects without calling ``__init__``."""
        made = super().__new__(cls)
        made.values, made.fields = values, {}
        return made

    def __setstate__(self, state: Any) -> None:
        """Take the fields the pickle has."""
        self.fields = state if isinstance(state, dict) else {}


class _Storage(NamedTuple):
    """A storage class, known by its name only."""

    dtype: str


class _Callable(NamedTuple):
    """What a pickle of tensors calls; a tuple, so that no pickle can tamper with it."""

    name: str

    def __call__(self, *values: Any) -> Any:
        if self.name == "_rebuild_tensor_v2":
            return _tensor(*values[:4])
        if self.name == "_rebuild_parameter":
            return values[0]
        return OrderedDict(*values) if self.name == "OrderedDict" else self.name


_CALLABLE = {
    ("collections", "OrderedDict"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch", "device"),
}
_DTYPE_NAME = re.compile(r"^(?:bfloat16|bool|(?:float|u?int)\d+)$")


def load_torch_file(
    data: bytes, where: str, classes: Mapping[str, Sequence[str]], *, trust: bool = False
) -> Any:
    """What a file of ``torch.save`` holds, tensors as numpy arrays.

    ``classes`` gives, by class name, the packages it may come from; such objects come out as
    ``Inert``. With ``trust`` everything else is imported and run, as pickle does. Raises
    GraphFileError in one line.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        known = what_archive(archive.namelist())
        if known:
            raise GraphFileError(f"{where} is {known}")
        entries = {info.filename.partition("/")[2]: info for info in archive.infolist()}
        if any(info.compress_type != zipfile.ZIP_STORED for info in entries.values()):
            raise GraphFileError(f"{where} is no torch file: parts of it are compressed")
        if "byteorder" in entries and archive.read(entries["byteorder"]) != b"little":
            raise GraphFileError(f"{where} was written on a big-endian machine; save it again")
        program = archive.read(entries["data.pkl"])
        if not trust:
            _check_codes(program)
        return _Reader(program, archive, entries, classes, trust).load()
    except GraphFileError:
        raise
    except KeyError as error:
        raise GraphFileError(f"{where} is no torch file: it has no {error}") from error
    except pickle.UnpicklingError as error:
        raise GraphFileError(f"{where} is refused: {_line(error)}") from error
    except Exception as error:
        # a broken pickle can fail in any way its codes can
        raise GraphFileError(
            f"{where} is broken ({type(error).__name__}: {_line(error)})"
        ) from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _check_codes(program: bytes) -> None:
    """Refuse codes no tensor file needs, and memory tricks, before anything runs."""
    for count, (code, argument, _) in enumerate(pickletools.genops(program)):
        if code.name in _FORBIDDEN_CODES:
            raise pickle.UnpicklingError(f"its pickle uses {code.name}, which no graph needs")
        if code.name in ("LONG_BINPUT", "PUT") and int(argument or 0) > len(program):
            raise pickle.UnpicklingError("its pickle asks for absurd amounts of memory")
        if count > _MOST_CODES:
            raise pickle.UnpicklingError("its pickle is far too long for a graph")


class _Reader(pickle.Unpickler):
    def __init__(
        self,
        program: bytes,
        archive: zipfile.ZipFile,
        entries: Mapping[str, zipfile.ZipInfo],
        classes: Mapping[str, Sequence[str]],
        trust: bool,
    ) -> None:
        super().__init__(io.BytesIO(program))
        self._archive, self._entries = archive, entries
        self._classes, self._trust = classes, trust

    def find_class(self, module: str, name: str) -> Any:
        """What a name of the pickle stands for; raises UnpicklingError when it may not be used."""
        if (module, name) in _CALLABLE:
            return _Callable(name)
        if module == "torch" and name in DTYPES:
            return _Storage(DTYPES[name])
        if module == "torch" and _DTYPE_NAME.match(name):
            return name
        if module.partition(".")[0] in self._classes.get(name, ()):
            return type(name, (Inert,), {})
        if self._trust:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(
            f"its pickle asks for {module}.{name}, which a graph has no use for; if you made the "
            "file yourself, take it with --trust-pickle"
        )

    def persistent_load(self, pid: Any) -> np.ndarray:
        """A storage of the file, as a flat array."""
        tag, kind, key, *_ = pid
        if tag != "storage" or not isinstance(kind, _Storage):
            raise pickle.UnpicklingError("its pickle names data in an unknown way")
        raw = self._archive.read(self._entries[f"data/{key}"])
        if kind.dtype == "bfloat16":
            halves = np.frombuffer(raw, dtype="<u2").astype(np.uint32)
            return (halves << np.uint32(16)).view(np.float32)
        return np.frombuffer(raw, dtype=kind.dtype)


def _tensor(storage: Any, offset: Any, size: Sequence[int], stride: Sequence[int]) -> np.ndarray:
    """A tensor's view of its storage; raises UnpicklingError when it reaches beyond."""
    numbers = (offset, *size, *stride)
    if not isinstance(storage, np.ndarray) or storage.ndim != 1:
        raise pickle.UnpicklingError("a tensor without a storage")
    if len(size) != len(stride) or not all(type(n) is int and n >= 0 for n in numbers):
        raise pickle.UnpicklingError("a tensor of an impossible shape")
    count, last = 1, offset
    for length, step in zip(size, stride, strict=True):
        count *= length
        last += max(length - 1, 0) * step
    if count and (last >= len(storage) or count > len(storage)):
        raise pickle.UnpicklingError("a tensor that reaches beyond its data")
    if not count:
        return np.zeros(size, dtype=storage.dtype)
    steps = tuple(step * storage.itemsize for step in stride)
    return np.lib.stride_tricks.as_strided(storage[offset:], tuple(size), steps, writeable=False)
