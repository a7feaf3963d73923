"""The page in headless Chromium: it works by mouse and keyboard, asks nobody, and obeys no text."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphlabel.export import ExportOptions, export_graph
from tests.export.browser import Page, browser
from tests.export.documents import HOSTILE, Evidence, document


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def chromium(folder: Path) -> Iterator[Page]:
    with browser(folder) as page:
        yield page


@pytest.fixture
def page(chromium: Page, folder: Path) -> Page:
    export_graph(document(), "html", folder / "g.html", ExportOptions(features=Evidence()))
    return opened(chromium, folder / "g.html")


def opened(chromium: Page, path: Path, *, dark: bool = False) -> Page:
    chromium._session = ""
    chromium.complaints.clear()
    chromium.requests.clear()
    chromium.open(path, dark=dark)
    return chromium


ROWS = "[...document.querySelectorAll('tbody tr')].map(r => r.cells[0].textContent)"
DETAIL = "document.getElementById('detail').innerText"


def test_it_runs_without_complaint_and_asks_nobody(page: Page) -> None:
    assert page.run("document.querySelectorAll('tbody tr').length") == 6
    assert page.run("document.querySelectorAll('#picture [data-box]').length") == 5
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith("file:")] == []
    assert len(page.requests) == 1


def test_the_chosen_node_shows_provenance_scores_links_and_evidence(page: Page) -> None:
    shown = page.run(DETAIL)
    for expected in (
        "Dallas",
        "ada · 2026-01-01T00:00:00Z",
        "input, tier 1",
        "0.900, p = 0.0010",
        "a note",
        "the city",
    ):
        assert expected in shown
    assert "a city:  Dallas (eleuther)" in shown.replace("\n", " ") or "a city:" in shown
    heat = page.run(
        "[...document.querySelectorAll('.example')[0].children].map(s => s.style.getPropertyValue('--heat'))"
    )
    assert heat == ["80", "", "80", "29"]
    assert page.run("document.querySelector('.example .peak').textContent") == " Dallas"
    colour = page.run("getComputedStyle(document.querySelector('.example .peak')).backgroundColor")
    assert colour not in ("rgba(0, 0, 0, 0)", "transparent")


def test_sorting_and_filtering(page: Page) -> None:
    by_influence = page.run(ROWS)
    assert by_influence[0] == " Dallas"
    page.run("document.querySelector('th[data-column=influence] button').click()")
    assert page.run(ROWS)[0] == "<bos>"
    assert (
        page.run("document.querySelector('th[data-column=influence]').getAttribute('aria-sort')")
        == "descending"
    )
    page.run(
        "(() => { const s = document.getElementById('kind'); s.value = 'feature'; s.dispatchEvent(new Event('change')); })()"
    )
    assert page.run(ROWS) == ["L1 #7", "Dallas"]
    page.run(
        "document.querySelector('[data-box=\"0\"]').dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    assert page.run(ROWS) == ["Dallas"]
    page.run("document.querySelector('[data-token=\"0\"]').click()")
    assert page.run(ROWS) == []
    page.press("Escape")
    assert page.run("document.getElementById('count').textContent") == "6 of 6 nodes"


def test_everything_works_by_keyboard(page: Page) -> None:
    page.press("/")
    assert page.run("document.activeElement.id") == "search"
    page.run(
        "(() => { const s = document.getElementById('search'); s.value = 'l1 #7'; s.dispatchEvent(new Event('input')); })()"
    )
    assert page.run(ROWS) == ["L1 #7"]
    page.press("Escape")
    page.run("document.querySelector('tbody tr').focus()")
    page.press("ArrowDown")
    page.press("ArrowDown")
    place = page.run("Number(document.activeElement.dataset.place)")
    assert page.run("document.activeElement.getAttribute('aria-selected')") == "true"
    page.press("Enter")
    assert page.run("document.activeElement.id") == "detail"
    assert document().node_ids[place] in page.run(DETAIL)
    page.run("document.querySelector('[data-box=\"1\"]').focus()")
    page.press("Enter")
    assert (
        page.run("document.querySelector('[data-box=\"1\"]').getAttribute('aria-pressed')")
        == "true"
    )
    assert page.run(ROWS) == ["L1 #7"]


def test_it_follows_the_colour_scheme(page: Page, folder: Path) -> None:
    ground = "getComputedStyle(document.querySelector('#picture rect')).fill + getComputedStyle(document.body).backgroundColor"
    assert page.run(ground) == "rgb(255, 255, 255)rgb(255, 255, 255)"
    dark = opened(page, folder / "g.html", dark=True)
    assert dark.run(ground) == "rgb(15, 19, 25)rgb(15, 19, 25)"


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_does_nothing(chromium: Page, folder: Path, text: str) -> None:
    made = document(text, token=text, group=text + "x")
    export_graph(made, "html", folder / "h.html", ExportOptions(features=Evidence(text)))
    page = opened(chromium, folder / "h.html")
    assert page.run("window.pwned") is None
    assert page.complaints == []
    assert page.run("document.querySelectorAll('tbody tr').length") == 6
    assert page.run("document.images.length + document.scripts.length") == 2
    assert not re.search(
        "[\u202a-\u202e\u2066-\u2069\x00-\x08\x1b]", page.run("document.body.innerText")
    )


def test_its_policy_stops_an_injected_script(page: Page, folder: Path) -> None:
    data = (folder / "g.html").read_text(encoding="utf-8")
    attack = "<img src=x onerror=window.pwned=1><script>window.pwned=1</script><style>body{color:red}</style>"
    (folder / "attacked.html").write_text(
        data.replace("<main>", attack + "<main>"), encoding="utf-8"
    )
    attacked = opened(page, folder / "attacked.html")
    assert attacked.run("window.pwned") is None
    assert len([said for said in attacked.complaints if "Content Security Policy" in said]) >= 3


def test_screenshots_differ_by_scheme(page: Page, folder: Path) -> None:
    light = base64.b64decode(page.call("Page.captureScreenshot")["data"])
    dark = base64.b64decode(
        opened(page, folder / "g.html", dark=True).call("Page.captureScreenshot")["data"]
    )
    assert min(len(light), len(dark)) > 20_000
    assert light != dark
