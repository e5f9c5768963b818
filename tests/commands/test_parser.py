import pytest

from l2rw.commands.main import GROUPS, main
from l2rw.commands.parser import Parser
from tests.fuzz.commands import options_of
from tests.plans import COMPUTE


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("status nope", "argument logs: 'nope' is not a folder"),
        ("doctor --root /nope", "argument --root: '/nope' is not a folder"),
        ("fetch digits --out x.npz --root /nope", "argument --root: '/nope' is not a folder"),
        *(
            (f"draw --table {name}", f"{name!r} is a folder, not a file")
            for name in (".", "/", "..")
        ),
        ("draw --table a\nb", r"'a\nb' is not the name of a file"),
        ("config a\nb", "unrecognized arguments: a b"),
        *(
            (f"plan --teraflops {text}", f"argument --teraflops: '{text}' is not a number above 0")
            for text in ("nan", "0", "-1", "inf", "much")
        ),
        *(
            (f"{command} --seed {text}", f"--seed: '{text}' is not a whole number of at least 0")
            for command in ("corrupt", "simulate")
            for text in ("-1", "0.5", "one")
        ),
        *(
            (
                f"{command} --threads {text}",
                f"--threads: '{text}' is not a whole number of at least 1",
            )
            for command in ("train", "probe", "run-for 1 plan.json")
            for text in ("0", "-1", "two")
        ),
        *(
            (f"{command} --seeds {text}", f"--seeds: '{text}' is not a range of seeds")
            for command in ("train", "probe", "run-for 1 plan.json")
            for text in ("4-1", "-1", "")
        ),
    ],
)
def test_nonsense_is_refused_in_a_sentence(arguments, complaint, capsys):
    assert main(arguments.split(" ")) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("Error: ")
    assert complaint[1:] in told
    assert " Hint: " in told


@pytest.mark.parametrize("command", ["train", "probe", "detect"])
def test_there_is_a_split_for_each_seed(command, monkeypatch, capsys):
    one = next(c for group in GROUPS for c in group.COMMANDS if c.name == command)
    monkeypatch.setattr("l2rw.commands.training.cell_to_run", lambda _: (None, COMPUTE))
    required = [action.option_strings[0] for action in options_of(one) if action.required]
    given = [w for option in required for w in (option, "0-4" if option == "--seeds" else "x")]
    assert main([command, *given]) == 2
    assert "Error: --splits names 1 files for 5 seeds. Hint: " in capsys.readouterr().err


OUTPUTS = [
    (command.name, action.option_strings[0])
    for group in GROUPS
    for command in group.COMMANDS
    for action in options_of(command)
    if action.dest == "out"
]


@pytest.mark.parametrize(("command", "option"), OUTPUTS)
def test_a_place_where_nothing_can_be_written_is_refused_before_any_work(
    command, option, tmp_path, capsys
):
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "below"
    assert main([command, option, str(place)]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"Error: {place}")
    assert " cannot be written (Not a directory). Hint: " in told


@pytest.mark.parametrize("described", ["{", "a: b: c", "\udcf6", "[" * 5000, "{a: 1, a: 2}"])
def test_a_description_that_is_not_yaml_is_refused(described, tmp_path, capsys):
    out = tmp_path / "x.npz"
    assert main(["fetch", "birds", "--described", described, "--out", str(out)]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("Error: The description of the data set birds is not YAML (")
    assert " Hint: " in told


def test_no_running_jobs_before_the_first_are_no_mistake(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["status"]) == 0
    assert capsys.readouterr().out.startswith("No training jobs running")


def test_no_two_commands_share_a_name():
    names = [command.name for group in GROUPS for command in group.COMMANDS]
    assert len(names) == len(set(names)) > 10


def test_every_command_and_every_option_has_a_help_sentence():
    for command in (command for group in GROUPS for command in group.COMMANDS):
        assert len(command.help.split()) >= 3, command.name
        for action in options_of(command):
            assert action.help, (command.name, action.dest)
            assert len(action.help.split()) >= 3, (command.name, action.dest)


def test_the_help_of_a_command_shows_defaults_and_only_real_ones():
    for command in (command for group in GROUPS for command in group.COMMANDS):
        parser = Parser(prog=command.name)
        command.options(parser)
        text = " ".join(parser.format_help().split())
        for action in options_of(command):
            has_one = action.default not in (None, False, [])
            shown = " ".join(one) if isinstance(one := action.default, list) else one
            assert (f"(default: {shown})" in text) >= has_one, (command.name, action.dest)
        assert "(default: None)" not in text
        assert "(default: False)" not in text
        assert "(default: [])" not in text
