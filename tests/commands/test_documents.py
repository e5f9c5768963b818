from l2rw.commands.main import main
from l2rw.config import documents as config_docs


def test_config_writes_the_documents(tmp_path, monkeypatch, capsys):
    path = tmp_path / "document.md"
    monkeypatch.setattr(config_docs, "DOCUMENTS", {path: lambda: "what it says"})
    assert main(["config"]) == 0
    assert path.read_text() == "what it says"
    assert str(path) in capsys.readouterr().out
