"""A process that trains the jobs that it receives, several at a time, until no more come."""

import logging
import os
import signal
import socket
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any

from l2rw.training.outcome import Outcome

STOP, TAKEN, BUSY = "stop", "taken", "busy"


def send_job(connection: Connection, job: Any, log: int) -> None:
    """Send a job and the descriptor of the file for what it says.

    The answers are :data:`TAKEN` or :data:`BUSY`, and after TAKEN, at its end, its outcome.
    """
    connection.send(job)
    send_handle(connection, log, None)


class Server:
    """The process's side of all connections; each has one job at a time."""

    def __init__(
        self,
        listener: socket.socket | None,
        *connections: Connection,
        idle_seconds: float | None = None,
    ) -> None:
        """Prepare to serve.

        Args:
            listener: Where more connections come from, if any do.
            connections: Those that are there from the start.
            idle_seconds: How long to wait for the next connection when there is none.
        """
        from l2rw.training.fleet import Fleet, Member

        self._listener, self._fleet = listener, Fleet()
        self._jobs: dict[Connection, Member | None] = dict.fromkeys(connections)
        self._broken, self._idle_seconds = False, idle_seconds

    def serve(self) -> None:
        """Train until all connections are closed and no other comes."""
        while True:
            self._listen()
            for member, outcome in self._fleet.turns():
                self._broken |= outcome.breaks_process
                self._answer(member, outcome)
            if self._broken:
                self._fleet.stop()
            if not self._fleet.members and (self._broken or not (self._jobs or self._listener)):
                return

    def _listen(self) -> None:
        """Read the messages that have arrived; wait for one if there is nothing to train."""
        listener = [self._listener] if self._listener else []
        timeout = 0.0 if self._fleet.members else None if self._jobs else self._idle_seconds
        ready = wait([*listener, *self._jobs], timeout)
        if not ready and timeout:
            self._listener = None  # no connection came in time
        for one in ready:
            if isinstance(one, Connection):
                self._hear(one)
            elif self._listener:
                connection, _ = self._listener.accept()
                self._jobs[Connection(connection.detach())] = None

    def _hear(self, connection: Connection) -> None:
        member = self._jobs[connection]
        try:
            message = connection.recv()
            if message != STOP:
                log = recv_handle(connection)
                if self._broken or not self._fleet.admits(message):
                    os.close(log)
                    connection.send(BUSY)
                else:
                    connection.send(TAKEN)
                    self._jobs[connection] = self._fleet.join(message, log)
                return
        except (EOFError, OSError):  # the other side is gone
            del self._jobs[connection]
            connection.close()
        if member is not None:
            member.stop.asked = True

    def _answer(self, member: Any, outcome: Outcome) -> None:
        for connection, theirs in self._jobs.items():
            if theirs is member:
                self._jobs[connection] = None
                with suppress(OSError):  # the other side is gone
                    connection.send(outcome)
                return


def set_up_process() -> None:
    """Prepare a process to serve: it ignores Ctrl-C, which is meant for the command."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("l2rw").setLevel(logging.INFO)
