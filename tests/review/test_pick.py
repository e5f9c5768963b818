"""The page to choose clean examples by: what it holds, and that its file is one."""

import csv
import io
import json
from collections import Counter
from pathlib import Path

import pytest

from l2rw.commands.main import main
from l2rw.data.kinds.survey import look_at
from l2rw.review.pick import Wish, write_pick
from l2rw.store.errors import UserError
from l2rw.store.files import write_csv

from .conftest import TIT, WREN, configure, data_of, read

NOTHING_SAID = Wish(None, None, seed=0)


def pick(config, wish=NOTHING_SAID):
    return write_pick(read(config), config, "birds", wish)


def files_below(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_as_many_as_are_needed_and_spares_drawn_from_the_training_part(birds):
    before = files_below(birds.parent / "birds")
    data = data_of(pick(birds))
    assert files_below(birds.parent / "birds") == before
    found = look_at("birds", read(birds).data_sets["birds"])
    trained = {found.layout.examples.ids[place] for place in found.layout.train}
    assert set(data["ids"]) <= trained
    assert len(set(data["ids"])) == len(data["ids"])
    assert Counter(data["given"]) == {0: 20, 1: 20}
    assert data["classes"] == [TIT, WREN]
    for key, label in zip(data["ids"], data["given"], strict=True):
        assert key.split("/")[0] == data["classes"][label]
    assert data_of(pick(birds)) == data
    assert set(data_of(pick(birds, Wish(None, None, seed=1)))["ids"]) != set(data["ids"])


def test_the_configuration_or_the_caller_says_how_many(birds, tmp_path):
    assert data_of(pick(birds, Wish(3, 1, 0)))["need"] == 3
    assert Counter(data_of(pick(birds, Wish(3, 1, 0)))["given"]) == {0: 4, 1: 4}
    data = data_of(pick(configure(tmp_path, clean_size=13)))
    assert data["need"] == 7
    assert len(data["ids"]) == 28


def test_a_list_that_is_there_is_completed(birds, tmp_path):
    page = pick(configure(tmp_path, clean="clean.csv"))  # which is not there
    data, replacing = data_of(page), ", replacing the old one: it includes everything in the old"
    assert replacing not in page.read_text()
    first, second = data["ids"][0], data["ids"][20]
    write_csv(tmp_path / "clean.csv", ["id", "label"], [[first, ""], [second, TIT]])
    page = pick(tmp_path / "birds.yaml")
    assert replacing in page.read_text()
    data = data_of(page)
    assert data["have"] == [2, 0]
    assert data["listed"] == [[first, TIT], [second, TIT]]
    assert not {first, second} & set(data["ids"])
    (tmp_path / "clean.csv").write_text("id\nno such\n")
    with pytest.raises(UserError, match="has no example no such"):
        pick(tmp_path / "birds.yaml")


def test_the_page_stands_alone_and_names_are_no_markup(birds):
    page = pick(birds).read_text()
    assert TIT not in page
    assert "default-src 'none'" in page
    assert "http://" not in page.replace("http-equiv", "")
    assert "https://" not in page
    assert "src=" not in page


def test_the_command_says_where_the_page_is_and_what_is_wrong(birds, capsys):
    assert main(["pick", str(birds)]) == 0
    assert capsys.readouterr().out == "Open in a browser: results/birds/pick/birds.html\n"
    assert main(["pick", str(birds), "--data-set", "bird"]) == 2
    assert "did you mean 'birds'" in capsys.readouterr().err
    for number, path in enumerate(Path("birds").rglob("*.png")):
        path.write_bytes(f"no image {number}".encode())
    assert main(["pick", str(birds)]) == 2
    assert "cannot be read (UnidentifiedImageError" in capsys.readouterr().err


def test_what_is_pressed_becomes_a_list_that_is_read(birds, browser):
    browser.open(pick(birds))
    ids = data_of(Path("results/birds/pick/birds.html"))["ids"]
    assert TIT in browser.text("#about")
    browser.press("y", "s", "2", "Backspace", "2", "Enter")
    assert browser.text("#progress li:nth-child(1)").split("\n")[-1] == "2 of 10"
    browser.reload()
    assert ids[4] in browser.text("#about")
    browser.press("ArrowLeft", "ArrowLeft", "ArrowRight", "w")
    assert "Press the number" in browser.text("#said")
    text = browser.download("#download", "clean.csv")
    assert list(csv.reader(io.StringIO(text))) == [
        ["id", "label"],
        *([ids[0], TIT], [ids[2], WREN], [ids[3], TIT]),
    ]
    Path("clean.csv").write_text(text)
    config = configure(Path(), clean="clean.csv")
    assert read(config).facts("birds").clean_class_sizes == (2, 1)


def test_a_class_that_has_enough_asks_for_no_more(birds, browser):
    browser.open(pick(birds, Wish(2, 2, 0)))
    browser.press("y", "2", "y")  # two tits and a wren
    assert "5 of 8" in browser.text("#about")
    browser.press("y")
    assert browser.text("#said") == "Every class has enough: download the file."
    key = f"localStorage.getItem({json.dumps(data_of(pick(birds))['key'])})"
    assert len(json.loads(browser.run(key))) >= 4
