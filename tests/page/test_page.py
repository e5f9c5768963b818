"""The page of made-up results: what it says, that it stands alone, and how it looks."""

import html
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from tests.analysis.conftest import OWN

from l2rw.page.contents import _table, contents
from l2rw.page.page import write_page

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="module")
def page(plans, ledger):
    write_page(plans, ledger)
    return (ledger / "index.html").read_text()


class Outside(HTMLParser):
    """Collects what a page would load, and its ids and links within."""

    def __init__(self):
        super().__init__()
        self.loaded, self.ids, self.links = [], set(), set()

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids.add(given.get("id"))
        if tag in ("img", "script", "link", "iframe") and (
            source := given.get("src") or given.get("href")
        ):
            self.loaded.append(source)
        if tag == "a":
            self.links.add(given["href"])


def parsed(page):
    parser = Outside()
    parser.feed(page)
    return parser


def test_it_stands_alone(page):
    found = parsed(page)
    assert len(found.loaded) == 3
    assert all(source.startswith("data:image/") for source in found.loaded)
    assert not re.search(r"url\(|@import", page)


def test_every_link_within_leads_somewhere(page, ledger):
    found = parsed(page)
    for link in found.links:
        if link.startswith("#"):
            assert link[1:] in found.ids
        elif link not in ("https://arxiv.org/abs/1803.09050", "metrics.json"):
            assert (ledger / link).exists(), link


def test_it_opens_with_what_was_asked_and_found_in_at_most_five_lines(page, plans, ledger):
    lines = contents(plans, ledger)["headline"]
    assert 2 <= len(lines) + 1 <= 5
    assert lines[0].startswith("Question: ")
    assert lines[1] == (
        "Figure 2, majority share 0.995: L2RW errs on 4.00 ± 0.01 % of the test part, plain "
        "training on 40.00 ± 0.10 %, the best other method, Random, on 20.00 ± 0.05 %."
    )
    assert page.index(lines[1]) < page.index("<section")


def test_verdicts_stand_beside_the_figure_that_shows_them(plans, ledger):
    sections = {section.name: section for section in contents(plans, ledger)["sections"]}
    judged = pd.read_csv(ledger / "claims.csv").drop_duplicates("claim").set_index("title")
    shown = [verdict for section in sections.values() for verdict in section.verdicts]
    assert shown
    for verdict in shown:
        assert verdict.verdict.endswith(judged.loc[verdict.title, "verdict"])
        assert verdict.found == judged.loc[verdict.title, "found"]
    assert any("imbalance" in verdict.title for verdict in sections["figure2"].verdicts)


def test_tables_of_two_levels_keep_their_heads():
    table = pd.DataFrame(
        [["1", "2", "3"]],
        index=pd.Index(["a"], name="Row"),
        columns=pd.MultiIndex.from_tuples([("x", "p"), ("x", "q"), ("y", "p")]),
    )
    made = _table(table)
    assert made.heads == [
        [("", 1), ("x", 2), ("y", 1)],
        [("Row", 1), ("p", 1), ("q", 1), ("p", 1)],
    ]
    assert made.rows == [["a", "1", "2", "3"]]


def test_suspects_are_shown_with_their_pictures(make_up, tmp_path, reseal):
    from l2rw.data.datasets.catalog import CATALOG
    from l2rw.data.datasets.dataset import Dataset
    from l2rw.data.datasets.facts import data_file
    from l2rw.page.pictures import pictures_of
    from l2rw.store.paths import Results

    def lines(setting, seed):
        order = [5, 2, 0] if seed == 0 else [1, 3, 4]
        return [
            {
                "image": i,
                "given_label": i,
                "model_label": 7,
                "mean_weight": 0.1,
                "clean": int(i != 2),
            }
            for i in order
        ]

    plan, _ = make_up("my_suspects", [{"row": "l2rw"}], 2, name="suspects.csv", lines=lines)
    assert OWN["my_suspects"].kind == plan.settings["kind"]
    assert pictures_of(plan, Results(tmp_path)) == []
    images = np.arange(6 * 4, dtype=np.uint8).reshape(6, 1, 2, 2)
    labels = np.arange(6)
    (tmp_path / "data").mkdir()
    file = Results(tmp_path).data(data_file(CATALOG["digits"]))
    Dataset("digits", images, labels, images, labels).save(file)
    shown = pictures_of(plan, Results(tmp_path))
    assert [picture.given for picture in shown] == ["5", "2", "0"]
    assert [picture.wrong for picture in shown] == [False, True, False]
    assert len({picture.image for picture in shown}) == 3


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to look at the page with")
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_a_phone_and_a_desk(page, tmp_path, width):
    """Nothing sticks out to the right but what scrolls on its own."""
    probe = "<script>top.document.title = document.documentElement.scrollWidth</script></body>"
    inner = html.escape(page.replace("</body>", probe))
    # A window of a browser cannot be as narrow as a phone, but a frame can.
    frame = tmp_path / "frame.html"
    frame.write_text(f'<title>?</title><iframe width="{width}" srcdoc="{inner}"></iframe>')
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,900")
    told = subprocess.run(
        [CHROMIUM, *options, "--dump-dom", frame.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    assert int(re.search(r"<title>(\d+)</title>", told)[1]) <= width
