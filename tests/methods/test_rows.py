import re
from dataclasses import make_dataclass

import pytest

from l2rw.methods import METHODS
from l2rw.methods.rows import parse_row, told
from l2rw.methods.settings import Checked, as_pairs, number


@pytest.mark.parametrize(
    ("given", "text", "in_paths"),
    [
        ({"method": "gce", "q": 0.5}, "gce, q=0.5", "gce-q=0.5"),
        ({"method": "gce+es+ft", "q": 0.5}, "gce+es+ft, q=0.5", "gce-q=0.5+es+ft"),
        ("gce+es, q=0.5", "gce+es, q=0.5", "gce-q=0.5+es"),
        ({"method": "gce", "q": 1}, "gce, q=1.0", "gce-q=1.0"),
        ({"method": "gce", "q": "1"}, "gce, q=1.0", "gce-q=1.0"),
        ({"method": "meta_weight_net", "hidden": "50"}, "meta_weight_net, hidden=50", None),
        ({"method": "elr", "strength": 7, "beta": 0.9}, "elr, beta=0.9, strength=7.0", None),
        ({"method": "elr", "strength": 7, "beta": 0.7}, "elr, strength=7.0", None),
        ({"method": "gce", "q": 0.7}, "gce", "gce"),
        ({"method": "l2rw"}, "l2rw", "l2rw"),
        ({"method": "l2rw", "loss": "cross_entropy"}, "l2rw", "l2rw"),
        ({"method": "l2rw", "loss": "gce"}, "l2rw, loss=gce", "l2rw-loss=gce"),
        ("baseline+es+ema+ft", "baseline+es+ema+ft", "baseline+es+ema+ft"),
        ({"method": "gce+ema", "q": 0.5}, "gce+ema, q=0.5", "gce-q=0.5+ema"),
    ],
)
def test_a_row_with_settings_is_read_and_written(given, text, in_paths):
    row = parse_row(given)
    assert str(row) == text
    assert parse_row(text) == row
    assert in_paths is None or row.in_paths == in_paths


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"method": "gce", "p": 0.5}, "gce has no setting 'p'. Hint: "),
        ({"method": "l2rw", "q": 0.5}, "l2rw has no setting 'q'. Hint: choose one of loss."),
        ({"method": "baseline", "q": 0.5}, "baseline has no setting 'q'. Hint: leave it out."),
        ({"method": "gce", "q": "much"}, "gce: q is 'much'. Hint: write a number."),
        ({"method": "gce", "q": "nan"}, "gce: q is nan. Hint: write a number."),
        ({"method": "gce", "q": True}, "gce: q is True. Hint: write a number."),
        ({"method": "gce", "q": float("nan")}, "gce: q is nan. Hint: write a number."),
        ({"method": "gce", "q": 2}, "gce: q is 2.0. Hint: choose q above 0 and up to 1."),
        ({"method": "focal", "gamma": 1e300}, "focal: gamma is 1e+300. Hint: write at most 1e+38."),
        (
            {"method": "meta_weight_net", "hidden": 1.5},
            "hidden is 1.5. Hint: write a whole number.",
        ),
        ({"method": "gcf", "q": 2}, "there is no method 'gcf'. Hint: "),
        ({"q": 0.5}, "is not a row. Hint: write gce, or"),
        (7, "7 is not a row. Hint: write gce, or"),
        (
            "adaboost+ft",
            "adaboost trains several networks, which cannot be averaged or fine-tuned as one.",
        ),
        ("adaboost+ema", "adaboost trains several networks, which cannot be averaged"),
        ("gce+ema+es", "'gce+ema+es' has no such variants. Hint: add any of +es, +ema and +ft"),
        ("gce+es+es", "'gce+es+es' has no such variants."),
        ("l2rw, loss=mixup", "l2rw: loss is 'mixup'. Hint: choose one of cross_entropy, reed_soft"),
        ("gce, q", "'q' is not a setting. Hint: write name=value"),
    ],
)
def test_what_is_no_row_is_refused_in_a_sentence(given, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        parse_row(given)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("ends", "inside", "outside", "hint"),
    [
        ({"above": 0}, [1e-9, 7], [0, -1], "choose it above 0."),
        ({"least": 1}, [1, 7], [0.9], "choose 1 or more."),
        ({"above": 0, "below": 1}, [0.5], [0, 1], "choose it above 0 and below 1."),
        ({"above": 0, "most": 1}, [1], [0, 1.1], "choose it above 0 and up to 1."),
        ({"least": 0, "below": 1}, [0], [1, -0.1], "choose it from 0 to below 1."),
        ({"least": 0, "most": 1}, [0, 1], [1.1, -0.1], "choose it from 0 to 1."),
    ],
)
def test_a_setting_out_of_range_is_named_with_what_would_do(ends, inside, outside, hint):
    kind = make_dataclass(
        "Kind", [("it", float, number(0.5, **ends))], bases=(Checked,), frozen=True
    )
    for value in inside:
        assert kind(value).it == value
    for value in outside:
        with pytest.raises(ValueError, match=f"^it is {value}. Hint: {re.escape(hint)}$"):
            kind(value)


def test_settings_have_defaults_that_json_can_hold():
    for name, record in METHODS.items():
        pairs = as_pairs(record.settings())
        assert record.read_settings(dict(pairs)) == record.settings(), name
        assert all(type(value) in {int, float, bool, str} for _, value in pairs)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("baseline", "nothing"),
        ("gce+es, q=0.5", "nothing"),
        ("s_model", "noise rate"),
        ("weighted", "true labels"),
        ("weighted+ft", "true labels, clean images"),
        ("baseline+ema", "nothing"),
        ("baseline+ft", "clean images"),
        ("clean_only", "clean images"),
        ("l2rw", "clean images"),
        ("l2rw+ft", "clean images"),
        ("mentornet", ""),
    ],
)
def test_a_row_says_what_it_is_told(row, expected):
    assert told(row) == expected
