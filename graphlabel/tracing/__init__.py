"""From a prompt to an attribution graph. Importing this room loads torch."""

from graphlabel.tracing.raw import write_raw
from graphlabel.tracing.settings import TraceSettings
from graphlabel.tracing.trace import Trace, pruned_graph, trace
from graphlabel.tracing.verify import Verified, verify

__all__ = ["Trace", "TraceSettings", "Verified", "pruned_graph", "trace", "verify", "write_raw"]
