"""A run to be killed: asks, one line a question that is answered."""

from __future__ import annotations

import sys

from graphlabel.llm import GatewaySettings, Query, Request, Role, Turn
from graphlabel.llm.opening import open_gateway


def main(count: int, batch: bool) -> None:
    """Ask so many questions."""
    queries = [
        Query(Request("", (Turn(Role.USER, f"question {n}"),)), "label:baez", 2)
        for n in range(count)
    ]
    settings = GatewaySettings(concurrency=2, batch=batch, poll=0.05, timeout=30.0)
    with open_gateway("anthropic:claude-haiku-5-5", settings, print) as gateway:
        print("ready", flush=True)
        gateway.ask(queries, lambda place, _: print(place, flush=True))
        print(gateway.tally.lines, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] == "batch")
