"""The dialects of graph JSON: who writes nodes how."""

from graphlabel.files.dialects.detect import DIALECTS, dialect_of
from graphlabel.files.dialects.dialect import Dialect, Head

__all__ = ["DIALECTS", "Dialect", "Head", "dialect_of"]
