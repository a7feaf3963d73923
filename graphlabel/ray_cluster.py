"""Ray, where it is installed: the cluster RAY_ADDRESS names, or one started here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from graphlabel.errors import UsageError


@contextmanager
def ray_cluster() -> Iterator[Any]:
    """The ray module, connected; a cluster that was started here ends with the block.

    Raises UsageError when Ray is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise UsageError(
            "--runner ray needs Ray; pip install 'graphlabel[ray]', or use --runner local"
        ) from error
    own = not ray.is_initialized()
    if own:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it reports to its makers otherwise
        ray.init(include_dashboard=False, log_to_driver=False)
    try:
        yield ray
    finally:
        if own:
            ray.shutdown()
