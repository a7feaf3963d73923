"""Tracing, routing and labelling many prompts, on one machine or several."""

from graphlabel.cli.many.jobs import PromptJob, read_jobs
from graphlabel.cli.many.plan import Outcome, Plan
from graphlabel.cli.many.run import run_many

__all__ = ["Outcome", "Plan", "PromptJob", "read_jobs", "run_many"]
