"""Language models that read evidence: what they are asked, what they answer, what it costs."""

from graphlabel.llm.gateway import Answer, Failure, FailureKind, Gateway, Query
from graphlabel.llm.requests import ChatModel, Completion, Request, Role, StopReason, Turn
from graphlabel.llm.settings import GatewaySettings

__all__ = [
    "Answer",
    "ChatModel",
    "Completion",
    "Failure",
    "FailureKind",
    "Gateway",
    "GatewaySettings",
    "Query",
    "Request",
    "Role",
    "StopReason",
    "Turn",
]
