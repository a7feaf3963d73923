"""graphlabel's terminal workbench."""
