import os
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict

import pytest

from l2rw.store.files import write_json
from l2rw.training.progress import Status

PROGRAM = [sys.executable, "-m", "l2rw"]


def outcome(process):
    _, told = process.communicate(timeout=60)
    return process.returncode, told


@pytest.mark.parametrize(("command", "unbuffered"), [("--help", ""), ("plan", ""), ("plan", "1")])
def test_a_closed_pipe_ends_it_silently(command, unbuffered, monkeypatch):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen([*PROGRAM, *command.split()], **pipes)
    process.stdout.close()
    process.stdout = None
    assert outcome(process) == (128 + signal.SIGPIPE, b"")


def test_ctrl_c_ends_it_silently():
    program = (
        "import signal, sys, l2rw.commands.main as m, l2rw.training.status as s, time\n"
        # A shell makes what it starts in the background ignore it.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def wait(_): print('waiting', flush=True); time.sleep(60)\n"
        "s.print_status = wait\n"
        "sys.exit(m.main(['status']))"
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", program], **pipes)
    assert process.stdout.readline() == b"waiting\n"
    process.send_signal(signal.SIGINT)
    assert outcome(process) == (130, b"")


def test_letters_that_a_terminal_does_not_know_are_no_mistake(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    job = Status("κ", "host", 7, 25, 100, 2.0, 90.0, 1000.0)
    write_json(tmp_path / "job.status.json", asdict(job))
    run = subprocess.run([*PROGRAM, "status", tmp_path], check=True, capture_output=True)
    assert rb"\u03ba" in run.stdout


@pytest.fixture(scope="module")
def latin1(tmp_path_factory):
    """An environment whose locale is not UTF-8, without what others say of that."""
    if shutil.which("localedef") is None:
        pytest.skip("no locale can be made here")
    name, folder = "en_US.ISO-8859-1", tmp_path_factory.mktemp("locales")
    made = ["localedef", "-i", "en_US", "-f", "ISO-8859-1", folder / name]
    if subprocess.run(made, check=False, capture_output=True).returncode:
        pytest.skip("the sources of locales are not installed here")
    locale = {"LOCPATH": str(folder), "LC_ALL": name, "PYTHONCOERCECLOCALE": "0"}
    return {key: os.environ[key] for key in os.environ if key != "PYTHONUTF8"} | locale


def test_no_locale_changes_how_files_are_read_and_written(latin1, tmp_path):
    program = (
        "import locale, sys; from pathlib import Path\n"
        "assert locale.getpreferredencoding(False) == 'ISO-8859-1'\n"
        "from l2rw.claims.claims import claims; claims()\n"
        "from l2rw.config.yaml_file import read_yaml; read_yaml(Path('a.yaml'))\n"
        "from l2rw.store.files import write_text; write_text(Path('b.yaml'), 'a: \\u03ba\\n')\n"
        "from l2rw.commands.main import main; sys.exit(main(['plan', 'a.yaml']))"
    )
    (tmp_path / "a.yaml").write_text("name: \u03ba\n", encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        cwd=tmp_path,
        env=latin1,
    )
    assert run.returncode == 2
    assert run.stderr.startswith(b"Error: Configuration: name is '\\u03ba', but it should be")
    assert (tmp_path / "b.yaml").read_text(encoding="utf-8") == "a: \u03ba\n"


@pytest.mark.parametrize(("said", "encoding"), [({}, "utf-8"), ({"PYTHONUTF8": "0"}, "iso8859-1")])
def test_names_of_files_are_utf8_unless_the_user_says_otherwise(latin1, said, encoding):
    program = (
        "import os, sys\n"
        "from l2rw.commands.streams import restart_in_utf8\n"
        "restart_in_utf8()\n"
        "print(sys.getfilesystemencoding(), os.fsencode(sys.argv[1]).hex())"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, "\u03ba"],
        check=True,
        capture_output=True,
        env=latin1 | said,
    )
    assert run.stdout.decode().split() == [encoding, "ceba"]


def test_help_waits_for_no_large_package():
    """Nor does what runs where pydantic is absent need it, before it runs."""
    program = (
        "import contextlib, sys\n"
        "from l2rw.commands.main import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "large = {'torch', 'numpy', 'pydantic', 'yaml', 'pandas', 'matplotlib', 'filelock'}\n"
        "sys.exit(', '.join(large & set(sys.modules)) or 0)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert run.stdout.startswith("usage: l2rw")
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_no_file_takes_the_place_of_a_closed_stream(closed, tmp_path):
    program = (
        "import os, subprocess, sys\n"
        "from l2rw.commands.streams import prepare_streams\n"
        "prepare_streams()\n"
        "with open('file', 'w') as file:\n"
        "    print('a', flush=True), print('b', file=sys.stderr, flush=True), sys.stdin.read()\n"
        "    subprocess.run(['sh', '-c', 'echo c; echo d >&2'], check=True, timeout=30)\n"
        "    file.write(str(file.fileno() > 2))"
    )
    command = f'"{sys.executable}" -c "$PROGRAM" {closed}'
    environment = os.environ | {"PROGRAM": program}
    subprocess.run(command, shell=True, check=True, cwd=tmp_path, env=environment, timeout=60)
    assert (tmp_path / "file").read_text() == "True"


@pytest.mark.usefixtures("hang_up_ends")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_leave_nothing_half_written_and_say_nothing(number, tmp_path):
    program = (
        "import signal, sys, l2rw.commands.main as m, l2rw.training.status as s, time\n"
        "from l2rw.store.files import replacing\n"
        "def write(path):\n"
        "    with replacing(path / 'file') as partial:\n"
        "        partial.write_text('half')\n"
        "        print('waiting', flush=True)\n"
        "        time.sleep(60)\n"
        "s.print_status = write\n"
        "sys.exit(m.main(['status', '.']))"
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", program], **pipes, cwd=tmp_path)
    assert process.stdout.readline() == b"waiting\n"
    process.send_signal(number)
    assert outcome(process) == (128 + number, b"")
    assert not list(tmp_path.iterdir())
