"""Options that belong together, declared once as the fields of a class."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

Command = Callable[..., None]


def option_group(group: type, name: str, *left_out: str) -> Callable[[Command], Command]:
    """Give a command a dataclass's fields as options; it gets them as one argument, ``name``.

    ``left_out``: fields that are no options of this command, and keep their defaults.
    """
    hints = get_type_hints(group, include_extras=True)
    shared = [
        inspect.Parameter(
            each,
            inspect.Parameter.KEYWORD_ONLY,
            default=getattr(group, each),
            annotation=hints[each],
        )
        for each in group.__dataclass_fields__  # type: ignore[attr-defined]
        if each not in left_out
    ]

    def decorate(command: Command) -> Command:
        own = inspect.signature(command, eval_str=True).parameters
        kept = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in own.values()
            if parameter.name != name
        ]

        def wrapper(**values: Any) -> None:
            given = {each.name: values.pop(each.name) for each in shared}
            command(**values, **{name: group(**given)})

        wrapper.__name__, wrapper.__doc__ = command.__name__, command.__doc__
        wrapper.__module__ = command.__module__
        signature = inspect.Signature([*kept, *shared])
        wrapper.__signature__ = signature  # type: ignore[attr-defined]
        return wrapper

    return decorate
