"""What the model goes on to write when features are changed."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from graphlabel.errors import PromptError
from graphlabel.tracing.interventions.intervene import Experiment
from graphlabel.tracing.interventions.intervention import Intervention
from graphlabel.tracing.interventions.running import Changing
from graphlabel.tracing.sources import Report


@torch.no_grad()
def continued(
    experiment: Experiment,
    interventions: Sequence[Intervention],
    n_tokens: int,
    *,
    report: Report = lambda *_: None,
) -> tuple[int, ...]:
    """The next tokens, the likeliest each time, while everything may react.

    Interventions without a position go on acting on the new tokens; those with one have acted on
    the prompt, which later tokens look back on. Ends at an end-of-text token, which is left out.
    Raises PromptError when the text would outgrow the context, UsageError for interventions that
    cannot be done.
    """
    model, prompt = experiment.model, experiment.prompt
    if len(prompt.ids) + n_tokens > model.context_length:
        raise PromptError(
            f"the prompt's {len(prompt.ids)} tokens and {n_tokens} new ones are more than the "
            f"{model.context_length} that {model.name} takes; generate fewer"
        )
    ends, found = _end_tokens(experiment), list[int]()
    changing = Changing(model, experiment.transcoders, experiment.plans(interventions))
    ids, cache = torch.tensor([prompt.ids], device=model.device), None
    with changing.listening():
        while len(found) < n_tokens:
            report("new tokens", len(found), n_tokens)
            answer = model.model(
                input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1
            )
            token = int(answer.logits[0, -1].argmax())
            if token in ends:
                break
            found.append(token)
            changing.offset += ids.shape[1]
            cache = answer.past_key_values
            ids = torch.tensor([[token]], device=model.device)
    return tuple(found)


def _end_tokens(experiment: Experiment) -> frozenset[int]:
    """What the model's own settings for generating call the end, and the tokenizer's."""
    stated = getattr(experiment.model.model, "generation_config", None)
    ends = getattr(stated, "eos_token_id", None)
    listed = [] if ends is None else [ends] if isinstance(ends, int) else list(ends)
    return frozenset(i for i in (*listed, experiment.model.tokenizer.eos_token_id) if i is not None)
