"""A ledger from made-up results: its page, its table, its record, and the terminal's view."""

import io
import json
import re
import shutil
from dataclasses import replace

import pandas as pd
import pytest
from rich.console import Console
from tests.analysis.simulated import ASCENT, BEYOND, UNGUIDED, make_up_simulations, place

from l2rw.analysis.outputs import draw, tabulate
from l2rw.claims.claims import claims
from l2rw.claims.entries import Paper
from l2rw.claims.evidence import planned
from l2rw.claims.files import write_ledger
from l2rw.claims.terminal import print_ledgers
from l2rw.commands.main import main
from l2rw.store.checksums import WRITTEN_AS, read_result, sha256, with_checksums, write_record
from l2rw.store.errors import UserError

SHARES, METHODS = (0.9, 0.995), ("baseline", "random", "l2rw")
ERRORS = {"baseline": 0.2, "random": 0.1, "l2rw": 0.02}


def _figure2(setting, seed):
    """Err most at the extreme share; L2RW by 2 points more there, the others by far more."""
    errors = ERRORS[setting["row"]] * (1 + (setting["majority_share"] == 0.995))
    return {"test_error": errors * (1 + (seed - 1) / 1000)}


def _table2(setting, seed):
    return {"test_error": 0.13 + seed / 1000 if setting["row"] == "l2rw" else 0.3 + seed / 500}


def _plan(made, folder):
    """Tabulate and draw an experiment; return its plan."""
    plan, runs = made
    plan = replace(plan, cells=tuple(replace(cell, dataset="mnist") for cell in plan.cells))
    for kind in ("tables", "figures"):
        (folder / kind).mkdir(exist_ok=True)
    tabulate(plan, runs, folder / "tables")
    draw(plan, folder / "tables" / f"{plan.experiment}.csv", folder / "figures")
    return plan


BENCH = {
    "provenance": {"commit": "c0ffee", "source": "abc"},
    "device": {"device": "cpu", "precision": "float32"},
    "rows": [
        {"model": "lenet", "way": way, "samples_ms": samples}
        for way, samples in {
            "SGD": [10.0, 10.1, 10.2] * 10,
            "forward mode": [18.0, 18.1, 18.0] * 10,
            # Somebody disturbed a round.
            "three passes": [30.0, 30.3, 30.2] * 9 + [30.0, 30.3, 300.0],
        }.items()
    ],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def plans(folder, make_up_in):
    settings = {
        "figure2": [{"majority_share": s, "row": m} for s in SHARES for m in METHODS],
        "table2": [{"dataset": "cifar10", "row": row} for row in ("baseline", "l2rw")],
    }
    made = [
        make_up_in(folder / name, name, settings[name], result=result)
        for name, result in (("figure2", _figure2), ("table2", _table2))
    ]
    simulations = [place(limit_fraction=1.0), ASCENT, UNGUIDED, BEYOND]
    made.append(make_up_simulations(folder / "lemma1", "lemma1", simulations))
    return [_plan(one, folder) for one in made]


@pytest.fixture(scope="module")
def bench(folder):
    path = folder / "lenet.json"
    write_record(path, BENCH)
    return path


def _paper(plans, **changes):
    """Return a paper whose configuration is that of some plans."""
    tables = planned(plans, ["lenet"]) | changes
    return Paper(tables, lambda experiments: 7.0 * len(experiments), "results/paper/bench/x.json")


@pytest.fixture(scope="module")
def ledger(plans, bench, folder):
    write_ledger(plans, bench, folder, _paper(plans), folder)
    return folder


@pytest.fixture(scope="module")
def page(ledger):
    return (ledger / "REPRODUCTION.md").read_text()


@pytest.fixture(scope="module")
def table(ledger):
    return pd.read_csv(ledger / "claims.csv")


def test_the_table_has_every_claim_and_every_part_of_it(table):
    assert list(table["claim"].unique()) == [claim.id for claim in claims()]
    best = table[table["claim"] == "imbalance-best"]
    assert list(best["part"]) == [
        f"L2RW - {other}, majority share {share:g}"
        for share in SHARES
        for other in ("Baseline", "Random")
    ]
    assert best["effect"].tolist() == pytest.approx([18, 8, 36, 16])
    assert set(best["outcome"]) == {"holds"}
    assert set(best["seeds"]) == {3}
    assert set(best["region"]) == {"above 0"}


def test_verdicts_are_those_of_the_results(table):
    verdicts = table.drop_duplicates("claim").set_index("claim")["verdict"]
    expected = {
        "imbalance-best": "reproduced",
        "imbalance-growth": "reproduced",  # 2 points
        "imbalance-others": "reproduced",
        "background-best": "reproduced",
        "background-margin": "not tested",
        "overhead": "reproduced",
        "overhead-forward": "reproduced",
        "lemma1-printed": "not reproduced",
        "lemma1-images": "reproduced",
        "lemma1-corrected": "reproduced",
        "theorem2": "not tested",
        "curves": "not tested",
    }
    assert verdicts[list(expected)].to_dict() == expected
    missing = table.set_index("claim")["missing"]
    assert missing["curves"] == "figure7"
    assert missing["background-margin"] == "table2 with CIFAR-100"


def test_the_confidence_is_corrected_for_the_claims_that_are_tested(table):
    tested = table[table["verdict"] != "not tested"]["claim"].nunique()
    assert set(table["confidence"].dropna()) == {1 - 0.05 / tested}


def test_the_page_counts_what_is_evidence_about_the_paper(page):
    ours = sum(claim.ours for claim in claims())
    assert f"Tested at the paper's scale: 6 of {len(claims()) - ours} claims of the paper" in page
    assert "(✓ reproduced: 5, ✗ not reproduced: 1)" in page
    assert "no evidence about the paper" not in page.partition("## Claims of this project")[0]


def test_the_page_says_of_every_claim_what_was_found_and_how_to_get_what_lacks(page):
    for claim in claims():
        assert page.count(f'<a id="{claim.id}"></a>') == 1
        assert f"[{claim.title}](#{claim.id})" in page
    assert "snakemake --cores all --config 'targets=[table1,table2]'`, about 14 GPU hours" in page
    assert "+2.00" in page
    assert "![figure2](figures/figure2.svg)" in page


def test_tables_are_compared_cell_by_cell(page):
    cells = page.partition("## Tables, cell by cell")[2]
    assert (
        "| L2RW | clean images | 86.90 ± 0.25 | 86.73 ± 0.48 | +0.17 ± 0.47, agrees | 3 |" in cells
    )
    assert "agrees: 1, higher: 1, lower: 0. All cells have the paper's settings." in cells


def test_every_link_and_figure_of_the_page_leads_to_a_file(page, ledger):
    links = re.findall(r"\]\(([^)#]+)\)", page)
    assert len(links) > 20
    results = [link for link in links if link.startswith("runs/")]
    assert len(results) >= len(METHODS) * len(SHARES)
    for link in set(links) - set(results):
        assert (ledger / link).is_file(), link


def test_the_page_for_a_browser_stands_alone(page, ledger):
    html = (ledger / "REPRODUCTION.html").read_text()
    assert "<table>" in html
    sources = re.findall(r'<img src="([^"]{30})', html)
    assert len(sources) == page.count("![") > 3
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)


def test_the_record_says_what_the_ledger_was_made_from(plans, bench, ledger):
    record = json.loads((ledger / "claims.json").read_text())
    digests = {plan.experiment: plan.digest for plan in plans}
    assert record["plan"] == digests
    assert record["inputs"]["bench"] == sha256(bench)
    assert record["inputs"].keys() == {
        "bench",
        *(f"{kind}/{name}" for kind in ("tables", "figures") for name in digests),
    }
    assert record["verdicts"]["imbalance-best"] == ["reproduced", "the paper's"]
    assert record["verdicts"]["curves"] == ["not tested", None]


def test_what_is_no_evidence_says_so_everywhere(plans, bench, folder, tmp_path, capsys):
    figure2 = planned(plans, [])["figure2"]
    other = _paper(plans, figure2=figure2.assign(cell=figure2["cell"] + "-other"))
    write_ledger(plans, bench, folder, other, tmp_path)
    page = (tmp_path / "REPRODUCTION.md").read_text()
    assert "Tried at another scale: 3," in page
    (line,) = [line for line in page.splitlines() if line.startswith("| [Best at every")]
    assert "| at another scale: ✓ reproduced | MNIST, another scale | 3 |" in line
    assert main(["claims", str(tmp_path)]) == 0
    assert "at another scale: ✓ reproduced" in capsys.readouterr().out
    other = _paper(plans, table2=planned(plans, [])["table2"].assign(cell="other"))
    write_ledger(plans, bench, folder, other, tmp_path)
    assert "**Not all** cells have" in (tmp_path / "REPRODUCTION.md").read_text()


def test_mixed_sources_are_flagged(plans, bench, folder, tmp_path):
    mixed = shutil.copytree(folder, tmp_path / "mixed")
    path = mixed / "tables/figure2.csv"
    table = pd.read_csv(path)
    table.loc[table["row"] == "l2rw", "source"] = "newer"
    table.to_csv(path, index=False)
    record = path.with_suffix(".json")
    record.write_text(json.dumps(with_checksums(read_result(record), [path])))
    write_ledger(plans, bench, mixed, _paper(plans), mixed)
    page = (mixed / "REPRODUCTION.md").read_text()
    beware = [line for line in page.splitlines() if line.startswith("**Beware:**")]
    # The summary, and the claims that compare L2RW with others; its own growth is of one source.
    assert len(beware) == 1 + 2
    assert "[Best at every imbalance](#imbalance-best)" in beware[0]
    assert beware[1] == "**Beware:** made by different source versions: abc, newer."
    assert "figure2: 6 cells **mixed sources:** abc, newer" in page


def test_a_table_of_another_plan_is_refused(plans, bench, folder, tmp_path):
    stale = [replace(plan, digest="0ther") for plan in plans]
    with pytest.raises(UserError, match=r"tables/figure2\.json .*another plan.* Hint: run"):
        write_ledger(stale, bench, folder, _paper(plans), tmp_path)


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("tables/lemma1.csv", lambda text: text.replace("0", "1", 1), "is missing, damaged or"),
        ("tables/lemma1.csv", lambda text: text[:99], "is missing, damaged or was changed"),
        ("figures/lemma1.json", lambda text: "{}", "is missing, or belongs to another plan"),
        ("figures/lemma1.svg", None, "is missing, damaged or was changed"),
    ],
)
def test_what_is_not_as_it_was_made_is_refused_and_the_old_ledger_kept(
    plans, bench, ledger, tmp_path, file, change, words
):
    copy = shutil.copytree(ledger, tmp_path / "copy")
    before = {path.name: path.read_bytes() for path in copy.iterdir() if path.is_file()}
    changed = copy / file
    if change:
        changed.write_text(change(changed.read_text()))
    else:
        changed.unlink()
    with pytest.raises(UserError, match=rf"{file} {words}.* Hint: "):
        write_ledger(plans[:1] + plans[2:], None, copy, _paper(plans), copy)
    assert {path.name: path.read_bytes() for path in copy.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("content", ["", "{}", {"rows": [{}]}])
def test_timings_that_cannot_be_read_are_named(plans, folder, tmp_path, content):
    broken = tmp_path / "bench.json"
    write_record(broken, content) if isinstance(content, dict) else broken.write_text(content)
    with pytest.raises(UserError, match=r"bench\.json cannot be read as"):
        write_ledger(plans, broken, folder, _paper(plans), tmp_path)


def test_timings_in_the_place_of_others_are_named(plans, folder, tmp_path):
    others = tmp_path / "lenet-0123.json"
    write_record(others, BENCH | {WRITTEN_AS: "resnet32-4567.json"})
    with pytest.raises(UserError, match=r"lenet-0123\.json was written as resnet32-4567\.json\."):
        write_ledger(plans, others, folder, _paper(plans), tmp_path)


def _printed(folder, **console):
    out = io.StringIO()
    print_ledgers([folder], Console(file=out, width=200, **console))
    return out.getvalue()


def test_the_terminal_shows_every_claim_in_colour_where_it_is_wanted(ledger, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = _printed(ledger, force_terminal=True, color_system="standard")
    for claim in claims():
        assert claim.title in coloured
    assert "\x1b[32m✓ reproduced" in coloured
    assert "\x1b[31m✗ not reproduced" in coloured
    assert "6 of 18 claims of the paper" in coloured
    assert "\x1b" not in _printed(ledger)  # not a terminal
    monkeypatch.setenv("NO_COLOR", "1")
    without = _printed(ledger, force_terminal=True)
    assert "[32m" not in without
    assert "[31m" not in without


def test_without_a_folder_all_ledgers_are_shown(ledger, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["claims"]) == 2
    assert "There is no ledger" in capsys.readouterr().err
    for name in ("one", "two"):
        (tmp_path / "results" / name).mkdir(parents=True)
        for file in ("claims.csv", "claims.json"):
            shutil.copy(ledger / file, tmp_path / "results" / name)
    assert main(["claims"]) == 0
    out = capsys.readouterr().out
    assert "results/one" in out
    assert "results/two" in out


def test_a_ledger_that_was_changed_is_named_and_one_of_before_it_was_sealed_is_not(
    ledger, tmp_path, capsys
):
    for file in ("claims.csv", "claims.json"):
        shutil.copy(ledger / file, tmp_path)
    table = tmp_path / "claims.csv"
    table.write_text(table.read_text().replace("not tested", "reproduced"))
    assert main(["claims", str(tmp_path)]) == 2
    assert f"{table} is missing, damaged or was changed" in capsys.readouterr().err
    (tmp_path / "claims.json").write_text('{"plan": {}}')
    assert main(["claims", str(tmp_path)]) == 0


def test_what_is_no_ledger_is_named(tmp_path, capsys):
    assert main(["claims", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "claims.csv cannot be read as a ledger" in line
    assert " Hint: " in line


def test_the_readme_gets_the_papers_claims_alone_with_the_hours_of_what_lacks(ledger):
    out = io.StringIO()
    print_ledgers([ledger], Console(file=out, width=20), markdown=True)
    head, _, *lines = out.getvalue().splitlines()
    assert head == "| The paper says | verdict | we found |"
    papers = [claim for claim in claims() if not claim.ours]
    assert [line.split(" | ")[0] for line in lines] == [f"| {claim.says}" for claim in papers]
    by_claim = dict(zip((claim.id for claim in papers), lines, strict=True))
    assert "| ✓ reproduced | 4 parts: 4 hold" in by_claim["imbalance-best"]
    assert by_claim["uniform-best"].endswith(
        "| · not tested | no results: table1; about 7.0 GPU hours |"
    )
