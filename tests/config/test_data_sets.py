import numpy as np
import pytest
from PIL import Image

from l2rw.config.load import parse_config
from l2rw.data.kinds import DATASET_KINDS
from l2rw.data.kinds.halves import draw_test
from l2rw.planning.plan import Plan
from l2rw.store.errors import UserError


def described(**options):
    return {"data_sets": {"mine": {"kind": "image_folder", "path": "here", **options}}}


def test_a_description_is_read_as_it_is_written():
    config = parse_config(described(size=64, leave_out=["a.csv"]))
    dumped = config.model_dump(mode="json")
    assert dumped["data_sets"]["mine"]["kind"] == "image_folder"
    assert dumped["data_sets"]["mine"]["leave_out"] == ["a.csv"]
    assert parse_config(dumped).data_sets == config.data_sets


def test_kinds_are_known_by_their_names():
    assert all(DATASET_KINDS.load(name).kind == name for name in DATASET_KINDS)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"mine": {"path": "x"}}, "data_sets.mine: it has no kind. Hint: one of image_folder"),
        ({"mine": {"kind": "image_foler"}}, "no kind of data set 'image_foler'. Hint: did you"),
        ({"mine": {"kind": "image_folder"}}, "image_folder: it needs path. Hint"),
        (described(sise=3)["data_sets"], "has no option 'sise'. Hint: did you mean 'size'"),
        (described(size="big")["data_sets"], "size is 'big', but"),
        (described(size=2)["data_sets"], "size is 2. Hint: choose from 4"),
        (described(fit="squeeze")["data_sets"], "fit is 'squeeze'"),
        (described(test_share=1.5)["data_sets"], "test_share is 1.5. Hint: choose a share"),
        (described(test_share=0.5, test_path="t")["data_sets"], "both test_path and test_share"),
        (described(group_by="(")["data_sets"], "not a regular expression"),
        ({"digits": {"kind": "image_folder", "path": "x"}}, "the name 'digits' is taken"),
        ({"My Data": {"kind": "image_folder", "path": "x"}}, "'My Data' cannot be a name"),
    ],
)
def test_mistakes_are_explained(raw, said):
    with pytest.raises(UserError) as refusal:
        parse_config({"data_sets": raw})
    assert said in str(refusal.value)


def experiment(tmp_path, name="mine", rows=("baseline",), **training):
    """A table of a folder of images, of which all labels are right."""
    root = tmp_path / "images"
    for number in range(30):
        path = root / str(number % 3) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(256, size=(8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    table = {
        "kind": "table",
        "datasets": [name],
        "corruptions": [{"name": "given", "clean_size": 3}],
        "rows": list(rows),
        "training": {"model": "lenet_8x8", "steps": 4, "decay_at": [], "evaluations": 1} | training,
    }
    data = {"kind": "image_folder", "path": str(root), "size": 8, "labels_are_right": True}
    return {
        "name": "mine",
        "targets": ["one"],
        "data_sets": {"mine": data},
        "noisy_labels": {"validation_size": 6},
        "experiments": {"one": table},
    }


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_experiments_name_configured_data_sets(here):
    plan = Plan(parse_config(experiment(here)))
    (cell,) = plan.cells.values()
    assert cell.id.startswith("mine-given-")
    assert plan.describe("one").cells[0].data_file == plan.data_file("mine")
    with pytest.raises(UserError, match=r"no data set 'min'. Hint: did you mean 'mine'"):
        parse_config(experiment(here, "min"))


def test_the_content_determines_the_identity_of_cells(here):
    raw = experiment(here)
    before = list(Plan(parse_config(raw)).cells)
    changed = here / "images" / "0" / "0.png"
    content = changed.read_bytes()
    Image.new("L", (8, 8)).save(changed)
    assert list(Plan(parse_config(raw)).cells) != before
    changed.write_bytes(content)
    assert list(Plan(parse_config(raw)).cells) == before


def test_a_network_for_images_is_refused_for_tables(here):
    (here / "t.csv").write_text("x,label\n" + "".join(f"{n},{n % 2}\n" for n in range(40)))
    raw = experiment(here)
    raw["data_sets"]["mine"] = {"kind": "feature_table", "path": "t.csv", "labels_are_right": True}
    with pytest.raises(UserError, match="lenet_8x8 needs images, but mine is a table of 1 feat"):
        Plan(parse_config(raw))
    raw["experiments"]["one"]["training"] |= {"model": "mlp", "mirror": True}
    with pytest.raises(UserError, match="cannot be cropped or mirrored"):
        Plan(parse_config(raw))
    raw["experiments"]["one"]["training"] |= {"mirror": False}
    assert Plan(parse_config(raw)).cells


def test_captions_say_what_nobody_knows(here):
    raw = experiment(here)
    del raw["data_sets"]["mine"]["labels_are_right"]
    with pytest.raises(UserError, match="There is no clean set"):
        Plan(parse_config(raw))
    drawn = [f"{label}/{number}.png" for label in range(3) for number in range(label, 30, 3)]
    (here / "clean.csv").write_text("id\n" + "\n".join(drawn) + "\n")
    raw["data_sets"]["mine"]["clean"] = "clean.csv"
    with pytest.raises(UserError, match="for testing"):
        Plan(parse_config(raw))
    raw["data_sets"]["mine"]["test_share"] = 0.5
    labels = np.repeat(np.arange(3), 10)
    test = draw_test(drawn, labels, None, 0.5, 0)
    kept = [one for one, tested in zip(drawn, test, strict=True) if not tested]
    (here / "clean.csv").write_text("id\n" + "\n".join(kept[::4]) + "\n")
    raw["experiments"]["one"]["corruptions"] = [{"name": "given", "clean_size": 0}]
    raw["noisy_labels"]["validation_size"] = 3
    raw["experiments"]["one"]["rows"] = ["baseline", "weighted"]
    with pytest.raises(UserError, match=r"weighted needs the true labels .* is unknown"):
        Plan(parse_config(raw))
    raw["experiments"]["one"]["rows"] = ["baseline"]
    plan = Plan(parse_config(raw))
    caption = plan.experiments["one"].caption
    assert "Nobody knows which labels of mine are right" in caption
    assert "Test labels of mine are as they were given" in caption
    for kind in ("suspects", "detectors"):
        raw["experiments"]["one"] = {"kind": kind, "dataset": "mine"} | {
            "corruption": {"name": "given", "clean_size": 0},
            "training": raw["experiments"]["one"]["training"],
        }
        with pytest.raises(UserError, match="nobody knows which labels of mine are wrong"):
            Plan(parse_config(raw))
