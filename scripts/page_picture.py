"""Makes the picture of an exported page in a browser; needs Chromium.

Run from the repository root: python -m scripts.page_picture -o docs/images
"""

from __future__ import annotations

import argparse
import base64
import tempfile
from pathlib import Path

from graphlabel.atomic import write_bytes
from graphlabel.errors import ExportError
from graphlabel.evidence import open_source
from graphlabel.export import ExportOptions, export_graph
from graphlabel.files import read_graph
from tests.export.browser import browser

SAMPLES = Path("sample_graphs")
WIDTH, HEIGHT = 1400, 1150
CHOOSE = """[...document.querySelectorAll("tbody tr")]
  .find((row) => row.textContent.includes("cities of Texas")).click()"""


def main() -> None:
    """Export a sample with its evidence, choose a node, take the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/images"))
    out: Path = parser.parse_args().output
    options = ExportOptions(features=open_source(SAMPLES / "atlas-features"))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "dallas.html"
        export_graph(read_graph(SAMPLES / "atlas-dallas.json"), "html", file, options)
        with browser(Path(folder)) as page:
            page.open(file)
            page.call(
                "Emulation.setDeviceMetricsOverride",
                width=WIDTH, height=HEIGHT, deviceScaleFactor=1, mobile=False,
            )  # fmt: skip
            page.run(CHOOSE)
            page.run("window.scrollTo(0, 0)")
            shown = page.call("Page.captureScreenshot", format="png")["data"]
    path = out / "export-page.png"
    write_bytes(path, base64.b64decode(shown), ExportError)
    print(path)


if __name__ == "__main__":
    main()
