"""The picture of the supernode graph: what it shows, where things stand, how they are drawn."""

from graphlabel.export.picture.png import svg_to_png
from graphlabel.export.picture.scene import Box, Scene, scene_of
from graphlabel.export.picture.svg import Words, draw_svg
from graphlabel.export.picture.theme import DARK, LIGHT, PAGE, THEMES, Theme

__all__ = [
    "DARK",
    "LIGHT",
    "PAGE",
    "THEMES",
    "Box",
    "Scene",
    "Theme",
    "Words",
    "draw_svg",
    "scene_of",
    "svg_to_png",
]
