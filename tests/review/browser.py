"""A headless Chromium, driven over the DevTools protocol through two pipes."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--window-size=1280,900",
)
SECONDS = 60


class Page:
    """A page that is open."""

    def __init__(self, commands: Any, answers: Any, downloads: Path) -> None:
        self._commands, self._answers, self._read = commands, answers, b""
        self._number, self._session, self.events = 0, {}, []
        self._downloads = downloads
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._session = {"sessionId": session}
        self.call("Page.enable")
        allowed = {"behavior": "allow", "downloadPath": str(downloads)}
        self.call("Browser.setDownloadBehavior", **allowed)

    def call(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters, **self._session}
        self._commands.write(json.dumps(message).encode() + b"\0")
        self._commands.flush()
        return self._until(lambda answer: answer.get("id") == self._number)["result"]

    def wait_for(self, event: str) -> Any:
        return self._until(lambda answer: answer.get("method") == event)["params"]

    def _until(self, found: Any) -> Any:
        while True:
            while b"\0" not in self._read:
                more = os.read(self._answers, 1 << 20)
                assert more, "Chromium ended"
                self._read += more
            line, _, self._read = self._read.partition(b"\0")
            answer = json.loads(line)
            if found(answer):
                assert "error" not in answer, answer
                return answer
            self.events.append(answer)

    def open(self, path: Path) -> None:
        self.call("Page.navigate", url=path.absolute().as_uri())
        self.wait_for("Page.loadEventFired")

    def reload(self) -> None:
        self.call("Page.reload")
        self.wait_for("Page.loadEventFired")

    def run(self, script: str) -> Any:
        """Return the value of an expression."""
        done = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def press(self, *keys: str) -> None:
        for key in keys:
            text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
            self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def text(self, selector: str) -> str:
        return str(self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    def click(self, selector: str) -> None:
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def download(self, selector: str, name: str) -> str:
        """Click on what downloads a file, and return the file's content."""
        file = self._downloads / name
        file.unlink(missing_ok=True)
        self.click(selector)
        end = time.monotonic() + SECONDS
        while not file.exists():
            assert time.monotonic() < end, f"{name} was not downloaded"
            time.sleep(0.02)
        return file.read_text(encoding="utf-8")

    def picture(self, path: Path) -> None:
        """Keep a picture of what is seen."""
        import base64

        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


@contextmanager
def opened(folder: Path, *options: str) -> Iterator[Page]:
    """Start a browser that keeps what it keeps in a folder."""
    assert CHROMIUM
    to_browser, from_browser = os.pipe(), os.pipe()
    read, write = to_browser[0], from_browser[1]
    arguments = [*OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={folder / 'profile'}"]
    process = subprocess.Popen(
        ["bash", "-c", f'exec "$@" 3<&{read} 4>&{write}', "bash", CHROMIUM, *arguments, *options],
        pass_fds=(read, write),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(read)
    os.close(write)
    downloads = folder / "downloads"
    downloads.mkdir(exist_ok=True)
    try:
        with open(to_browser[1], "wb", closefd=True) as commands:  # noqa: PTH123
            yield Page(commands, from_browser[0], downloads)
            with suppress(OSError, AssertionError, KeyError):
                commands.write(b'{"id":0,"method":"Browser.close"}\0')
                commands.flush()
                process.wait(timeout=10)
    finally:
        process.kill()
        process.wait()
        os.close(from_browser[0])
