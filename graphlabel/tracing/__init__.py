"""From a prompt to an attribution graph. Importing this room loads torch."""

from graphlabel.tracing.raw import write_raw
from graphlabel.tracing.trace import Trace, TraceSettings, pruned_graph, trace

__all__ = ["Trace", "TraceSettings", "pruned_graph", "trace", "write_raw"]
