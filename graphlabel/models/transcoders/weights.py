"""Files of weights, read lazily: safetensors and numpy archives."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from graphlabel.errors import TranscoderError


@runtime_checkable
class Weights(Protocol):
    """Named tensors that are read when they are needed."""

    @property
    def path(self) -> Path:
        """The file they are in."""

    @property
    def reads_rows(self) -> bool:
        """Whether some rows can be read without reading all of them."""

    def names(self) -> frozenset[str]:
        """What there is."""

    def shape(self, name: str) -> tuple[int, ...]:
        """A tensor's shape."""

    def read(self, name: str) -> Tensor:
        """A whole tensor."""

    def rows(self, name: str, places: Tensor) -> Tensor:
        """Some rows."""


@dataclass(frozen=True)
class SafetensorsFile:
    """A safetensors file, opened anew for every read so that nothing stays mapped."""

    path: Path
    reads_rows = True

    def names(self) -> frozenset[str]:
        """What there is."""
        with self._open() as file:
            return frozenset(file.keys())

    def shape(self, name: str) -> tuple[int, ...]:
        """A tensor's shape."""
        with self._open() as file:
            return tuple(file.get_slice(name).get_shape())

    def read(self, name: str) -> Tensor:
        """A whole tensor."""
        with self._open() as file:
            tensor: Tensor = file.get_tensor(name)
        return tensor

    def rows(self, name: str, places: Tensor) -> Tensor:
        """Some rows; the file is mapped, so only they are read."""
        return self.read(name)[places.cpu()]

    def _open(self) -> Any:
        try:
            return safe_open(self.path, framework="pt")
        except (OSError, SafetensorError) as error:
            raise TranscoderError(f"{self.path} cannot be read: {error}; copy it again") from error


@dataclass(frozen=True)
class NumpyArchive:
    """An .npz file; numpy cannot read parts of its arrays."""

    path: Path
    reads_rows = False

    def names(self) -> frozenset[str]:
        """What there is."""
        with self._open() as file:
            return frozenset(file.files)

    def shape(self, name: str) -> tuple[int, ...]:
        """A tensor's shape."""
        return tuple(self.read(name).shape)

    def read(self, name: str) -> Tensor:
        """A whole tensor."""
        with self._open() as file:
            try:
                return torch.from_numpy(file[name])
            except (ValueError, OSError, zipfile.BadZipFile) as error:
                raise self._broken(error) from error

    def rows(self, name: str, places: Tensor) -> Tensor:
        """Some rows."""
        return self.read(name)[places.cpu()]

    def _open(self) -> Any:
        try:
            return np.load(self.path, allow_pickle=False)
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> TranscoderError:
        return TranscoderError(f"{self.path} cannot be read: {error}; copy it again")


@dataclass(frozen=True)
class Renamed:
    """Weights under other names, some of them stored transposed."""

    source: Weights
    original: Mapping[str, str]
    """The stored name of each name; ``.T`` at its end: stored transposed."""

    @property
    def path(self) -> Path:
        """The file."""
        return self.source.path

    @property
    def reads_rows(self) -> bool:
        """Whether encoder rows can be read by themselves."""
        return self.source.reads_rows and not self.original.get("W_enc", "").endswith(".T")

    def names(self) -> frozenset[str]:
        """What there is, by its new names."""
        stored = self.source.names()
        return frozenset(
            name for name, old in self.original.items() if old.removesuffix(".T") in stored
        )

    def shape(self, name: str) -> tuple[int, ...]:
        """A tensor's shape."""
        old = self.original[name]
        shape = self.source.shape(old.removesuffix(".T"))
        return shape[::-1] if old.endswith(".T") else shape

    def read(self, name: str) -> Tensor:
        """A whole tensor."""
        old = self.original[name]
        tensor = self.source.read(old.removesuffix(".T"))
        return tensor.T if old.endswith(".T") else tensor

    def rows(self, name: str, places: Tensor) -> Tensor:
        """Some rows."""
        if self.original[name].endswith(".T"):
            return self.read(name)[places.cpu()]
        return self.source.rows(self.original[name], places)


@dataclass(frozen=True)
class Joined:
    """Weights of one layer from two files: the decoder lies apart."""

    encoder: Weights
    decoder: Weights

    @property
    def path(self) -> Path:
        """The encoder's file."""
        return self.encoder.path

    @property
    def reads_rows(self) -> bool:
        """Whether encoder rows can be read by themselves."""
        return self.encoder.reads_rows

    def names(self) -> frozenset[str]:
        """What there is."""
        return self.encoder.names() | self.decoder.names()

    def shape(self, name: str) -> tuple[int, ...]:
        """A tensor's shape."""
        return self._of(name).shape(name)

    def read(self, name: str) -> Tensor:
        """A whole tensor."""
        return self._of(name).read(name)

    def rows(self, name: str, places: Tensor) -> Tensor:
        """Some rows."""
        return self._of(name).rows(name, places)

    def _of(self, name: str) -> Weights:
        return self.decoder if name == "W_dec" else self.encoder


@dataclass(frozen=True)
class InMemory:
    """Tensors that another library has loaded."""

    path: Path
    tensors: Mapping[str, Tensor]
    reads_rows = True

    def names(self) -> frozenset[str]:
        """What there is."""
        return frozenset(self.tensors)

    def shape(self, name: str) -> tuple[int, ...]:
        """A tensor's shape."""
        return tuple(self.tensors[name].shape)

    def read(self, name: str) -> Tensor:
        """A whole tensor."""
        return self.tensors[name]

    def rows(self, name: str, places: Tensor) -> Tensor:
        """Some rows."""
        return self.tensors[name][places.to(self.tensors[name].device)]
