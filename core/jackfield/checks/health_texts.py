"""What may be wrong with a host, and what each of it is called: on the page, in the API and on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from jackfield.errors import JournalDamaged, JournalLost
from jackfield.i18n.translations import noop

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "fault": (
        noop("The host has stopped working"),
        noop("It takes nothing over any more. Look at the reason, mend it and restart the host."),
    ),
    "journal": (
        noop("The journal cannot be read"),
        noop(
            "Senders are answered that they should come again. Look whether the disk is full, and whether the file can"
            " be written."
        ),
    ),
    "lost": (
        noop("The journal’s files were taken away"),
        noop(
            "Somebody deleted, moved or replaced them while the host was running. Nothing is accepted until the host"
            " has written the journal out again, which it does by itself as soon as it can. Do not stop the host"
            " before."
        ),
    ),
    "damaged": (
        noop("The journal is damaged"),
        noop(
            "Parts of it cannot be read, and runs may be missing. Pass this on to whoever runs the server: stop the"
            " host and run “jackfield journal salvage FILE” with this file; it says what to do then. Or put back a"
            " copy. More is in the documentation: running.md, “The journal is damaged”."
        ),
    ),
    "disk": (
        noop("The disk is nearly full"),
        noop(
            "When it is full, nothing can be accepted. Delete something, or let the journal keep less: [journal] keep"
            " in jackfield.toml."
        ),
    ),
    "size": (
        noop("The journal is larger than it should be"),
        noop(
            "What is left in it are runs that are not finished. See why they do not finish, or give the journal more"
            " room: [journal] keep in jackfield.toml."
        ),
    ),
    "backlog": (
        noop("Runs wait for their turn"),
        noop(
            "More comes in than goes out. See in the journal which pipeline has queued runs, and let it run more of"
            " them at once (concurrency) or faster (rate)."
        ),
    ),
    "failures": (
        noop("Runs have failed, and nobody is told"),
        noop(
            "See in the journal what went wrong, then replay these runs or set them aside. Set up notices, or repair"
            " them: a table such as [notices.email] in jackfield.toml."
        ),
    ),
    "failures-note": (
        noop("Runs have failed, and nobody has seen to them"),
        noop("See in the journal what went wrong, then replay these runs or set them aside."),
    ),
    "plugin": (
        noop("A plugin is broken"),
        noop("Pipelines that need it are blocked. Install another version of it, then restart the host."),
    ),
    "secrets-note": (noop("A secret could be kept better"), ""),
    "notices": (
        noop("There is a mistake in [notices]"),
        noop("You may not be told when runs fail. Correct jackfield.toml, and restart the host."),
    ),
    "notices-note": (
        noop("Nobody is told when runs fail"),
        noop("Add a table such as [notices.email] to jackfield.toml, and restart the host."),
    ),
    "address-note": (
        noop("The public address could be better"),
        noop(
            "Set public_url in the table [server] of jackfield.toml to an address that begins with https://, and"
            " restart the host."
        ),
    ),
    "file": (
        noop("There is a mistake in a file, or a secret is missing"),
        noop("Correct it, or set the secret: the host takes it over at once. What ran before goes on."),
    ),
    "notifier": (
        noop("Notices do not get through"),
        noop("Check the notifier’s settings in jackfield.toml; the command “jackfield notify-test” tries it."),
    ),
    "tls": (
        noop("The certificate of the public address is not accepted"),
        noop("Senders that check certificates cannot call. Look at the web server in front of the host."),
    ),
    "tls-unseen": (
        noop("The public address cannot be reached from this machine"),
        noop(
            "That need not mean anything if senders reach it. Otherwise look at the web server in front of the host,"
            " and at the firewall."
        ),
    ),
    "tls-soon": (
        noop("The certificate of the public address ends soon"),
        noop("See why it is not renewed by itself."),
    ),
    "clock": (
        noop("The clock was changed while the host was running"),
        noop(
            "Times in the journal may not be in order. Let the system keep the time, for example by systemd-timesyncd."
        ),
    ),
}
"""What each kind of trouble is called, and what to do about it."""


@dataclass(frozen=True, slots=True)
class HealthIssue:
    """Something that needs somebody: what it is called, what was found, and what to do about it, in English."""

    kind: str
    title: str
    detail: str
    advice: str
    urgent: bool

    @classmethod
    def of(cls, kind: str, detail: str = "", *, urgent: bool = True) -> HealthIssue:
        """Make a trouble of this kind, which has words of its own."""
        title, advice = _WORDS[kind]
        return cls(kind, title, detail, advice, urgent)

    @classmethod
    def of_journal(cls, error: Exception) -> HealthIssue:
        """Make the trouble that this error of the journal is."""
        lost, damaged = isinstance(error, JournalLost), isinstance(error, JournalDamaged)
        return cls.of("lost" if lost else "damaged" if damaged else "journal", str(error))

    def __str__(self) -> str:
        said = f"{self.title}: {self.detail}" if self.detail else self.title
        return f"{said}. {self.advice}".rstrip()
