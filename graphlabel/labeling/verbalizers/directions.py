"""What a feature writes, as one direction of the residual stream (torch)."""

from __future__ import annotations

import torch

from graphlabel.annotation import Reading
from graphlabel.errors import VerbalizerError
from graphlabel.graph import FeatureKey
from graphlabel.labeling.verbalizers.verbalizer import ResidualVector
from graphlabel.models.transcoders import Transcoders


def feature_direction(
    transcoders: Transcoders, key: FeatureKey, reads_layer: int | None
) -> ResidualVector:
    """A feature's decoder direction, float32.

    Of a cross-layer feature it is the sum of what it has written by the layer that a verbalizer
    reads, or by its own first write where that stands above. Raises VerbalizerError for a feature
    that the transcoders do not have.
    """
    layers = transcoders.layers
    if not (0 <= key.layer < len(layers) and 0 <= key.feature < layers[key.layer].n_features):
        raise VerbalizerError(f"{transcoders.name} has no feature {key}; check --transcoders")
    layer = layers[key.layer]
    written = [at for at in layer.write_layers if reads_layer is None or at <= reads_layer]
    written = written or [layer.write_layers[0]]
    place = torch.tensor([key.feature])
    rows = [layer.decoder_rows(place, at)[0].float() for at in written]
    values = torch.stack(rows).sum(dim=0).cpu().numpy()
    return ResidualVector(values, written[-1], Reading.DIRECTION)
