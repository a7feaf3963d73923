"""What is wrong with a graph file, and what of it can be put right without losing anything."""

from graphlabel.files.lint.lint import Linted, lint_graph
from graphlabel.files.lint.problem import Problem

__all__ = ["Linted", "Problem", "lint_graph"]
