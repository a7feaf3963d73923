"""Comparing label methods: the same features, the same texts, every scorer."""

from graphlabel.scoring.comparison.compare import Comparison, compare_methods
from graphlabel.scoring.comparison.lines import comparison_lines
from graphlabel.scoring.comparison.markdown import comparison_markdown
from graphlabel.scoring.comparison.pairs import LabelPair, furthest_apart
from graphlabel.scoring.comparison.picture import comparison_svg

__all__ = [
    "Comparison",
    "LabelPair",
    "compare_methods",
    "comparison_lines",
    "comparison_markdown",
    "comparison_svg",
    "furthest_apart",
]
