"""Five thousand pictures: the page's main thread is never busy for a tenth of a second."""

import io

import numpy as np
import pytest
from PIL import Image

from l2rw.review.deck import SMALL, Deck, write_deck

COUNT = 5000
MOST_MS = 100
CATEGORIES = "toplevel,disabled-by-default-lifecycles"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    random = np.random.default_rng(0)
    kinds = []
    for _ in range(100):
        coarse = Image.fromarray(random.integers(256, size=(12, 12, 3), dtype=np.uint8))
        file = io.BytesIO()
        coarse.resize((SMALL, SMALL), Image.Resampling.BICUBIC).save(file, "jpeg", quality=82)
        kinds.append(file.getvalue())
    given = random.integers(20, size=COUNT)
    network = random.integers(20, size=COUNT)
    more = {"listed": [], "network": network.tolist(), "detectors": ["network", "weight"]}
    for name in ("certainty", "probability", "weight"):
        more[name] = random.random(COUNT).round(4).tolist()
    more["agreement"] = random.integers(4, size=COUNT).tolist()
    deck = Deck(
        task="review",
        title="many",
        lead=[],
        steps=[],
        key="l2rw:review:many:0",
        file="corrections.csv",
        columns=("id", "decision", "label"),
        classes=[f"class {number}" for number in range(20)],
        ids=[f"class {label}/{number}.jpg" for number, label in enumerate(given)],
        given=given.tolist(),
        shown=[kinds[number % 100] for number in range(COUNT)],
        decided=[None] * COUNT,
        more=more,
    )
    path = tmp_path_factory.mktemp("deck") / "many.html"
    write_deck(deck, path)
    return path


def longest_task(browser, act):
    """Return the most milliseconds of processor time that a task of the page's main thread took.

    Not of the clock: other processes may have the processor meanwhile.
    """
    browser.events.clear()
    browser.call("Tracing.start", categories=CATEGORIES, transferMode="ReportEvents")
    act()
    browser.call("Tracing.end")
    browser.wait_for("Tracing.tracingComplete")
    traced = [
        event
        for message in browser.events
        if message.get("method") == "Tracing.dataCollected"
        for event in message["params"]["value"]
    ]
    main = {
        (event["pid"], event["tid"])
        for event in traced
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks = [
        event.get("tdur", event.get("dur", 0)) / 1000
        for event in traced
        if (event["pid"], event["tid"]) in main and event["name"].endswith("RunTask")
    ]
    assert len(tasks) > 10
    return max(tasks)


@pytest.mark.slow
def test_no_task_is_long(page, browser):
    assert longest_task(browser, lambda: browser.open(page)) < MOST_MS

    def work():
        for spot in (0.2, 0.5, 0.9, 0.1):
            browser.run(f"grid.scrollTop = {spot} * grid.scrollHeight")
            browser.run("new Promise((done) => setTimeout(done, 100))")
        browser.press("n", "y", "u", "r", "ArrowDown", "ArrowRight", "w")
        browser.press("1", "7", "Enter", "Backspace")
        for name, value in (("sort", "weight"), ("class", "3"), ("state", "open"), ("class", "")):
            browser.run(f"at('{name}').value = '{value}'; at('{name}').onchange()")
            browser.run("new Promise((done) => setTimeout(done, 100))")
        assert browser.run("document.querySelectorAll('.tile').length") < 200

    assert longest_task(browser, work) < MOST_MS
