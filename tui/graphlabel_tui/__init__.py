"""graphlabel's terminal workbench."""

import os

# Textual paints at most so often; a key's second paint would wait for a sixtieth of a second.
# It reads this when it is imported.
os.environ.setdefault("TEXTUAL_FPS", "240")
