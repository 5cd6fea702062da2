"""Notices by e-mail."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from jackfield import Notice, Notifier, option
from jackfield_email.address import SomeAddresses
from jackfield_email.connection import ConnectionOptions
from jackfield_email.delivery import deliver
from jackfield_email.message import Mail


class EmailNotifierOptions(ConnectionOptions):
    """The options of `[notices.email]`."""

    to: Annotated[
        SomeAddresses,
        Field(min_length=1),
        option(
            ("To", "Who gets the notices: an address, or a list of them."),
            ("Кому", "Кто получает уведомления: адрес или список адресов."),
            examples=["admin@example.ru"],
        ),
    ]


class EmailNotifier(Notifier[EmailNotifierOptions]):
    """Sends each notice as one mail in plain text; a repeated attempt has the same Message-ID."""

    name = "email"
    title = {"en": "E-mail", "ru": "Электронная почта"}  # noqa: RUF012 - the interface declares it a ClassVar
    description = {  # noqa: RUF012 - as the title
        "en": "Tells the operator by e-mail.",
        "ru": "Уведомляет оператора письмом.",
    }
    Options = EmailNotifierOptions

    async def notify(self, notice: Notice) -> None:
        """Send the notice. One that the server takes for some of the recipients is delivered."""
        receipt = await deliver(self._mail(notice), self.options, self.context)
        if receipt.refused:
            self.context.log.warning("some recipients were refused", server=self.options.place, refused=receipt.refused)

    def _mail(self, notice: Notice) -> Mail:
        link = notice.link if notice.link and notice.link not in notice.text else None
        return Mail(
            sender=self.options.sender,
            to=self.options.to,
            subject=notice.subject,
            key="\n".join((notice.at.isoformat(), notice.kind, notice.pipeline or "", notice.subject)),
            text=f"{notice.text}\n\n{link}" if link else notice.text,
            at=notice.at,
            automatic=True,
        )
