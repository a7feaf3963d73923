"""One process that traces prompt after prompt with the model it loaded once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphlabel.cli.many.jobs import PromptJob
from graphlabel.cli.many.plan import Outcome, Plan, keep
from graphlabel.errors import GraphLabelError

if TYPE_CHECKING:
    from graphlabel.files import GraphDocument


class Worker:
    """Traces, routes and labels prompts; loads model and transcoders when it is made.

    Raises ModelError or TranscoderError when they can't be loaded.
    """

    def __init__(self, plan: Plan, folder: Path, threads: int | None = None) -> None:
        """Load; ``threads`` is how many the mathematics may use."""
        import torch

        from graphlabel.cli.tracing import load_for_tracing

        if threads:
            torch.set_num_threads(threads)
        self._plan, self._folder = plan, folder
        self._loaded = load_for_tracing(
            plan.model, plan.transcoders, plan.settings, plan.device, plan.gguf_file
        )

    def run(self, job: PromptJob) -> Outcome:
        """Make one prompt's graph and note that it is done; what goes wrong is in the outcome."""
        from graphlabel.files import write_graph

        started = time.perf_counter()
        path = self._folder / f"{job.slug}.json"
        try:
            document, settings = self._traced(job)
            document, counts = self._finished(document)
            write_graph(document, path, settings=settings)
        except GraphLabelError as error:
            return Outcome(job.slug, job.prompt, error=str(error))
        scores = document.graph.scores
        outcome = Outcome(
            job.slug,
            job.prompt,
            path.name,
            nodes=len(document.graph),
            links=len(document.graph.edges),
            replacement=round(scores.replacement, 4) if scores else None,
            completeness=round(scores.completeness, 4) if scores else None,
            seconds=round(time.perf_counter() - started, 2),
            **counts,
        )
        keep(self._folder, self._plan.digest(job), outcome)
        return outcome

    def _traced(self, job: PromptJob) -> tuple[GraphDocument, dict[str, object]]:
        from graphlabel.cli.tracing import traced_document

        return traced_document(
            self._loaded,
            job.prompt,
            job.token_ids,
            job.slug,
            chat=job.chat,
            targets=job.targets,
            position=job.position,
        )

    def _finished(self, document: GraphDocument) -> tuple[GraphDocument, dict[str, Any]]:
        """The document routed and labelled, where there is evidence to do it with."""
        from graphlabel.annotation import Tier
        from graphlabel.cli.labelling import finder, label_document
        from graphlabel.cli.pipeline import route_document, source_for

        plan = self._plan
        if not plan.features:
            return document, {}
        source = source_for(document, plan.features, any_set=plan.any_set, offline=plan.offline)
        routed, _ = route_document(document, source, plan.routing)
        labelled, report = label_document(routed, finder(routed, source))
        return labelled, {
            "routed": len(labelled.annotations.routings),
            "labelled": sum(tier.labelled for tier in report.tiers.values()),
            "awaiting_model": len(report.waiting[Tier.MODEL]),
            "awaiting_person": len(report.waiting[Tier.PERSON]),
        }
