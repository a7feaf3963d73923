"""Workers on the machines of a Ray cluster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from graphlabel.cli.many.jobs import PromptJob
from graphlabel.cli.many.plan import Plan
from graphlabel.cli.many.run import Done
from graphlabel.cli.many.worker import Worker
from graphlabel.errors import GraphLabelError, UsageError
from graphlabel.ray_cluster import ray_cluster


def run_with_ray(
    plan: Plan, jobs: Sequence[PromptJob], folder: Path, workers: int, done: Done
) -> None:
    """Run prompts on ``workers`` actors, each with its share of the cores and a GPU if asked for.

    The folder should be on a file system that all machines share. Raises what loading the model
    raises, and UsageError without Ray or when an actor dies.
    """
    from graphlabel.models import device_of

    gpus = 1 if device_of(plan.device).type == "cuda" else 0
    with ray_cluster() as ray:
        from ray.util import ActorPool

        cpus = max(1, int(ray.cluster_resources().get("CPU", 1)) // workers)
        actor = ray.remote(num_cpus=cpus, num_gpus=gpus)(Worker)
        pool = ActorPool([actor.remote(plan, folder, cpus) for _ in range(workers)])
        try:
            for outcome in pool.map_unordered(lambda each, job: each.run.remote(job), list(jobs)):
                done(outcome)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, GraphLabelError):
                raise error.cause from error
            raise UsageError(f"a worker failed: {error.cause}") from error
        except ray.exceptions.RayActorError as error:
            cause = getattr(error, "cause", None)
            if isinstance(cause, GraphLabelError):
                raise cause from error
            raise UsageError(
                "a worker died, perhaps for want of memory; run the command again to go on, "
                "with fewer --workers"
            ) from error
