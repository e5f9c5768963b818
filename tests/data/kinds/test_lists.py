"""Lists as people write them, and as spreadsheets leave them."""

import csv
import io

import pytest

from l2rw.data.kinds.label_file import write_labels
from l2rw.data.kinds.lists import Decision, read_decisions, read_left_out, read_list
from l2rw.data.kinds.survey import look_at
from l2rw.store.errors import UserError

DECIDED = [Decision("a, b.png", "wrong", "wren"), Decision("c.png", "right", "tit")]
DECIDED += [Decision("d.png", "remove", ""), Decision("e.png", "unsure", "")]


def saved(encoding="utf-8", extra=(), **style):
    """Return the decisions as a program writes them, with empty lines or columns if it adds any."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, **style)
    writer.writerow([*(name.title() for name in Decision._fields), *extra])
    for line in DECIDED:
        writer.writerows([[*line, *extra], [""] * len(line)])
    return (text.getvalue() + "\n\n").encode(encoding)


@pytest.mark.parametrize(
    "content",
    [
        saved(lineterminator="\n"),
        saved("utf-8-sig"),
        saved("utf-8-sig", delimiter=";"),
        saved(delimiter="\t"),
        saved(quoting=csv.QUOTE_ALL),
        saved(extra=("", "")),
    ],
    ids=["plain", "excel", "german excel", "tabs", "quoted", "empty columns"],
)
def test_what_spreadsheets_save_says_the_same(tmp_path, content):
    path = tmp_path / "corrections.csv"
    path.write_bytes(content)
    assert read_decisions(str(path)) == DECIDED
    # The same file as a list of clean examples, and of those to leave out.
    assert read_list(str(path)) == [("a, b.png", "wren"), ("c.png", "tit")]
    assert read_left_out(str(path)) == {"d.png"}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "has no column id or path or file, but nothing"),
        (["id,label", "a,b.png,tit"], r"Line 2 of .* has more cells than its first line.*quotes"),
        (["id,label", "a,tit", ",tit"], "Line 3 of .* has no id"),
        (["id,decision,label", "a,wrong,"], "calls the label of a wrong, but gives no right one"),
        (["id,decision,label", "a,perhaps,tit"], "decides 'perhaps' of a, which is no decision"),
        (["id,decision", "a,right"], "has no column label, but id, decision"),
    ],
)
def test_what_is_no_list_of_clean_examples(write, lines, said):
    with pytest.raises(UserError, match=said):
        read_list(str(write("clean.csv", *lines)))


def test_other_columns_are_no_decisions(write):
    path = write("clean.csv", "file,label,status", "a.png,tit,checked by Ann")
    assert read_list(str(path)) == [("a.png", "tit")]


def test_labels_that_were_written_can_be_read_wherever_a_list_can(folder, mine, write, tmp_path):
    ids = sorted(mine("image_folder", path=folder, size=8).read().own.train_ids.tolist())
    options = {"path": folder, "size": 8}
    decided = write(
        "corrections.csv",
        *("id,decision,label", f"{ids[0]},wrong,wren", f"{ids[1]},remove,"),
        *(f"{ids[2]},right,tit", f"{ids[-1]},unsure,"),
    )
    listed = write("clean.csv", "id", ids[2], ids[-2])
    kind = mine("image_folder", **options, corrections=decided, clean=listed).kind
    found = look_at("mine", kind, tmp_path / "surveys")
    labels = write_labels(tmp_path / "labels.csv", found)
    again = mine("image_folder", **options, corrections=labels, clean=labels)
    same = look_at("mine", again.kind, tmp_path / "surveys")
    assert same.layout.labels.tolist() == found.layout.labels.tolist()
    assert same.layout.truth_is_known.tolist() == found.layout.truth_is_known.tolist()
    # What is known, by either list, is all clean.
    assert same.layout.clean.tolist() == found.layout.truth_is_known.nonzero()[0].tolist()
    left_out = mine("image_folder", **options, leave_out=[labels], clean=labels)
    assert left_out.facts().train_class_sizes == found.facts.train_class_sizes


def test_ids_that_a_spreadsheet_changed_get_their_hint(write, mine, tmp_path):
    rows = [f"{number:04},{number},{'ab'[number % 2]}" for number in range(40)]
    table = write("rows.csv", "code,x,label", *rows)
    options = {"path": table, "id_column": "code"}
    changed = write("corrections.csv", "id,decision,label", "12,wrong,b", "3,remove,")
    with pytest.raises(UserError, match=r"2 unknown ids \(12, 3\).*the id 0012 has become 12"):
        mine("feature_table", **options, corrections=changed).facts()
    with pytest.raises(UserError, match=r"1 unknown id \(12\).*the id 0012 has become 12"):
        mine("feature_table", **options, clean=changed).facts()
    others = write("others.csv", "id,decision,label", "bird/1.png,wrong,b")
    with pytest.raises(UserError, match="name the list of this data set"):
        mine("feature_table", **options, corrections=others).facts()
