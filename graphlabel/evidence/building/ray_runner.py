"""Building an index on several workers with Ray, with the result of one process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graphlabel.errors import EvidenceError, GraphLabelError
from graphlabel.evidence.building.build import Part, build_part, merged
from graphlabel.evidence.building.make import load_part
from graphlabel.evidence.building.publish import Step, prepare, publish
from graphlabel.evidence.building.request import IndexRequest
from graphlabel.evidence.building.settings import Shard
from graphlabel.evidence.building.worker import Report
from graphlabel.evidence.index.format import Manifest
from graphlabel.models import device_of
from graphlabel.ray_cluster import ray_cluster

POLL_SECONDS = 0.5


def build_with_ray(
    request: IndexRequest,
    folder: Path,
    *,
    workers: int,
    force: bool = False,
    checkpoint_every: int = 250_000,
    report: Report = lambda _: None,
    step: Step = lambda *_: None,
) -> Manifest:
    """Build an index with one task a worker, each of which keeps and resumes its own state.

    Joins the cluster RAY_ADDRESS names, else starts one here; on a cluster the index's folder
    should be on a file system that all its machines share. Raises UsageError when Ray is not
    installed, else what ``build_index`` raises.
    """
    staging = prepare(folder, force=force).resolve()
    folders = [staging / f"shard_{number}_of_{workers}" for number in range(workers)]
    with ray_cluster() as ray:
        _work(ray, request, folders, checkpoint_every, report)
    parts = [load_part(each) for each in folders]
    model, transcoders = request.places.load(request.settings.dtype, request.device)
    return publish(merged(parts), model, transcoders, folder, step)


def _work(
    ray: Any, request: IndexRequest, folders: list[Path], checkpoint_every: int, report: Report
) -> None:
    meter = ray.remote(num_cpus=0)(_Meter).remote()
    gpus = 1 if device_of(request.device).type == "cuda" else 0
    cpus = max(1, int(ray.cluster_resources().get("CPU", 1)) // len(folders))
    task = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=1)(_shard)
    waiting = [
        task.remote(request, each, Shard(number, len(folders)), checkpoint_every, meter)
        for number, each in enumerate(folders)
    ]
    while waiting:
        done, waiting = ray.wait(waiting, timeout=POLL_SECONDS)
        report(ray.get(meter.total.remote()))
        try:
            ray.get(done)
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, GraphLabelError):
                raise cause from error
            first = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
            raise EvidenceError(f"a worker failed: {type(cause).__name__}: {first}") from error


def _shard(
    request: IndexRequest, folder: Path, shard: Shard, checkpoint_every: int, meter: Any
) -> int:
    part: Part = build_part(
        request.run(),
        folder,
        shard,
        checkpoint_every=checkpoint_every,
        report=lambda seen: meter.note.remote(shard.number, seen),
    )
    return part.progress.tokens_seen


class _Meter:
    def __init__(self) -> None:
        self._seen: dict[int, int] = {}

    def note(self, shard: int, seen: int) -> None:
        self._seen[shard] = seen

    def total(self) -> int:
        return sum(self._seen.values())
