"""Finding a prompt's sources: which features are active, and what they and the errors write."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from graphlabel.models.transcoders import TranscoderLayer, Transcoders
from graphlabel.tracing.frozen import FrozenLayer, FrozenModel
from graphlabel.tracing.sources import Reading, Report, Sources, WriteBlock, Writing


@dataclass(frozen=True, eq=False)
class _Active:
    """The active features of one layer."""

    position: Tensor
    feature: Tensor
    activation: Tensor
    kept: tuple[Tensor, Tensor] | None


@dataclass(frozen=True, eq=False)
class _Parts:
    """What a layer's reconstruction has besides its features."""

    skip: Tensor | None
    linear: Tensor
    """What W_skip makes of the residual stream, the norm's bias left out."""
    bias: Tensor
    """b_dec and what W_skip makes of the norm's bias."""


@torch.no_grad()
def find_sources(
    frozen: FrozenModel,
    transcoders: Transcoders,
    *,
    first_position: int,
    matrix_dtype: torch.dtype | None = None,
    report: Report = lambda *_: None,
) -> Sources:
    """Encode the prompt and gather every active feature's vectors.

    Positions before ``first_position`` carry neither features nor errors. W_skip is kept in
    ``matrix_dtype``, and so is what features write, but on a processor in the dtype of the trace:
    there these products are small and of many shapes, which bfloat16 makes no faster.
    """
    n_layers, tokens = len(frozen.layers), frozen.token_vectors
    matrix_dtype = matrix_dtype or tokens.dtype
    written_dtype = tokens.dtype if tokens.device.type == "cpu" else matrix_dtype
    pairs = list(zip(frozen.layers, transcoders.layers, strict=True))
    found, parts = [], []
    for done, (block, transcoder) in enumerate(pairs):
        report("encoding layers", done, n_layers)
        found.append(_encode(block, transcoder, first_position))
        parts.append(_constant_parts(block, transcoder))
    report("encoding layers", n_layers, n_layers)
    explained = torch.stack([part.linear + part.bias for part in parts])
    starts = _starts(found, tokens.shape[0])
    writers = _writers(transcoders, found, starts, explained, written_dtype, report)
    written = torch.stack([block.written(each.write_point) for block, each in pairs])
    errors = written - explained
    errors[:, :first_position] = 0
    counts = torch.tensor([len(each.position) for each in found])
    none = errors.new_zeros(0, tokens.shape[1], dtype=written_dtype)
    return Sources(
        layer=torch.repeat_interleave(torch.arange(n_layers), counts),
        position=torch.cat([each.position for each in found]).cpu(),
        feature=torch.cat([each.feature for each in found]).cpu(),
        activation=torch.cat([each.activation for each in found]),
        starts=starts,
        reading=tuple(
            Reading(
                transcoder,
                block.reading(transcoder.read_point),
                each.position.cpu(),
                each.feature.cpu(),
                each.kept,
            )
            for (block, transcoder), each in zip(pairs, found, strict=True)
        ),
        writing=tuple(
            Writing(
                blocks=tuple(_write_block(pieces, none) for pieces in writers[layer]),
                norm=block.writing(transcoder.write_point),
                skip=None if part.skip is None else part.skip.to(matrix_dtype),
                read_norm=block.reading(transcoder.read_point),
                bias=part.bias,
                leading=(written[layer] - part.linear)[:first_position],
            )
            for layer, ((block, transcoder), part) in enumerate(zip(pairs, parts, strict=True))
        ),
        errors=errors,
        tokens=tokens,
        unexplained=_energy(errors) / _energy(written[:, first_position:]),
    )


def _energy(vectors: Tensor) -> Tensor:
    """Squared length of each layer's vectors together."""
    return vectors.pow(2).sum(dim=(1, 2))


def _encode(block: FrozenLayer, transcoder: TranscoderLayer, first_position: int) -> _Active:
    activations = transcoder.encode(block.read(transcoder.read_point))
    activations[:first_position] = 0
    position, feature = activations.nonzero(as_tuple=True)
    kept = None if transcoder.reads_rows else transcoder.encoder_rows(feature.cpu())
    transcoder.release()
    return _Active(position, feature, activations[position, feature], kept)


def _starts(found: list[_Active], n_positions: int) -> tuple[tuple[int, ...], ...]:
    starts, start = [], 0
    for active in found:
        counts = torch.bincount(active.position, minlength=n_positions).tolist()
        starts.append(tuple(accumulate(counts, initial=start)))
        start = starts[-1][-1]
    return tuple(starts)


def _constant_parts(block: FrozenLayer, transcoder: TranscoderLayer) -> _Parts:
    bias, skip = transcoder.decoder_bias().to(block.residual), transcoder.skip()
    if skip is None:
        return _Parts(None, torch.zeros_like(block.residual), bias)
    skip, norm = skip.to(block.residual), block.reading(transcoder.read_point)
    if norm is not None and norm.bias is not None:
        bias = bias + norm.bias @ skip.T
    read = block.residual if norm is None else norm.linear(block.residual)
    return _Parts(skip, read @ skip.T, bias)


Writers = list[list[list[tuple[int, slice, Tensor]]]]


def _writers(
    transcoders: Transcoders,
    found: list[_Active],
    starts: tuple[tuple[int, ...], ...],
    reconstruction: Tensor,
    dtype: torch.dtype,
    report: Report,
) -> Writers:
    """Columns and scaled decoder rows by write layer and position, added to the reconstruction."""
    n_positions = reconstruction.shape[1]
    writers: Writers = [[[] for _ in range(n_positions)] for _ in transcoders.layers]
    for done, (transcoder, active) in enumerate(zip(transcoders.layers, found, strict=True)):
        report("reading decoders", done, len(found))
        columns = [slice(*ends) for ends in pairwise(starts[done])]
        widths = [each.stop - each.start for each in columns]
        for write_layer in transcoder.write_layers if len(active.position) else ():
            rows = transcoder.decoder_rows(active.feature.cpu(), write_layer)
            vectors = rows.to(reconstruction) * active.activation[:, None]
            reconstruction[write_layer].index_add_(0, active.position, vectors)
            pieces = torch.split(vectors.to(dtype), widths)
            for place, piece in enumerate(pieces):
                if len(piece):
                    writers[write_layer][place].append((done, columns[place], piece))
        transcoder.release()
    report("reading decoders", len(found), len(found))
    return writers


def _write_block(pieces: list[tuple[int, slice, Tensor]], empty: Tensor) -> WriteBlock:
    layers, columns, vectors = zip(*pieces, strict=True) if pieces else ((), (), ())
    joined = torch.cat(vectors) if len(vectors) > 1 else (*vectors, empty)[0]
    return WriteBlock(layers, columns, joined)
