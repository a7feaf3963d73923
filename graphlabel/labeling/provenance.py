"""Where a method's label comes from."""

from __future__ import annotations

import json
from dataclasses import replace

from graphlabel.annotation import Origin, Provenance, Routing, Tier
from graphlabel.labeling.evidence import Evidence
from graphlabel.labeling.labeler import LabelMethod
from graphlabel.labeling.proposing import Named
from graphlabel.labeling.registry import settings_of


def provenance_of(
    method: LabelMethod, named: Named, evidence: Evidence, tier: Tier, time: str
) -> Provenance:
    """Where a label comes from; of a model's labels everything that is needed to ask again."""
    trust = named.proposal.trust
    made = Provenance(
        Origin.MACHINE,
        author="graphlabel",
        method=method.name,
        model=named.answer.model if named.answer else named.proposal.model,
        time=time,
        score=None if trust is None else round(trust, 4),
    )
    if not made.model:
        return made
    answer = named.answer
    return replace(
        made,
        prompt_hash=named.request.prompt_hash if named.request else "",
        inputs_hash=evidence.inputs_hash,
        temperature=answer.temperature if answer else None,
        tokens=answer.input_tokens + answer.output_tokens if answer else None,
        dollars=answer.dollars if answer else None,
        settings=_settings(method, evidence.routing, tier),
    )


def _settings(method: LabelMethod, routing: Routing | None, tier: Tier) -> str:
    whole = {
        "tier": int(tier),
        "class": routing.feature_class.value if routing else None,
        "method": settings_of(method),
        "routing": dict(routing.settings) if routing else {},
    }
    return json.dumps(whole, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
