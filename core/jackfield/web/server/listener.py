"""The socket that the host listens on: its own, or the one that systemd has opened for it (socket activation)."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Final

from jackfield.errors import ConfigurationError
from jackfield.problems import Problem
from jackfield.project.settings import SETTINGS_FILE

_BACKLOG: Final = 2048
_FIRST_HANDED: Final = 3
"""The first file descriptor that is handed over (sd_listen_fds(3))."""


def listening(host: str, port: int) -> socket.socket:
    """Listen on an address of this machine; port 0 takes any free one. Raises `ConfigurationError` if it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        message = f"cannot listen on {host} port {port}: {reason}; stop what listens there, or choose another port"
        raise ConfigurationError([Problem(SETTINGS_FILE, 0, "server.port", message)]) from None
    return _prompt(listener)


def handed_over(environ: Mapping[str, str]) -> socket.socket | None:
    """Take the socket that whoever started this process listens on, by the protocol of systemd; None if there is none.

    That socket stays open while the host is restarted, so callers wait for the next host instead of being refused.
    Raises `ConfigurationError` if it is of no use.
    """
    number = environ.get("LISTEN_FDS", "")
    if environ.get("LISTEN_PID") != str(os.getpid()) or not number.isdecimal() or int(number) == 0:
        return None
    if int(number) > 1:
        raise _useless(f"{number} sockets were handed over")
    try:
        os.set_inheritable(_FIRST_HANDED, False)  # noqa: FBT003 - the function has no names for its parameters
        listener = socket.socket(fileno=_FIRST_HANDED)
        listens = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise _useless(f"what was handed over is no socket ({error.strerror})") from None
    if not listens or listener.family not in {socket.AF_INET, socket.AF_INET6}:
        listener.close()
        raise _useless("what was handed over does not listen for TCP connections")
    return _prompt(listener)


def _useless(what: str) -> ConfigurationError:
    remedy = "let the .socket unit have one ListenStream= with an address and a port"
    return ConfigurationError([Problem("LISTEN_FDS", 0, "", f"{what}; {remedy}")])


def _prompt(listener: socket.socket) -> socket.socket:
    """Send answers at once: one in two parts would wait 40 ms."""
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
