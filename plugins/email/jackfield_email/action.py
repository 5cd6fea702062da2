"""The action that sends a mail."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from jackfield import Action, JsonObject, Step, option
from jackfield_email.address import SomeAddresses
from jackfield_email.connection import ConnectionOptions
from jackfield_email.delivery import deliver
from jackfield_email.message import Mail


class SendEmailOptions(ConnectionOptions):
    """The mail, and the server that it is handed to."""

    at_least_one = (("text", "html"),)

    to: Annotated[
        SomeAddresses,
        Field(min_length=1),
        option(
            ("To", "Who gets the mail: an address, or a list of them; no commas inside one."),
            ("Кому", "Кто получит письмо: адрес или список адресов; в одной строке — один адрес."),
            examples=["{{ $.event.first_name }} <{{ $.event.email }}>"],
        ),
    ]
    cc: Annotated[
        SomeAddresses, option(("Copy", "Who gets a copy, seen by all."), ("Копия", "Кто получит копию, видят все."))
    ] = ()
    bcc: Annotated[
        SomeAddresses,
        option(
            ("Blind copy", "Who gets a copy that the others do not see."),
            ("Скрытая копия", "Кто получит копию, о которой остальные не знают."),
        ),
    ] = ()
    reply_to: Annotated[
        SomeAddresses, option(("Reply to", "Where answers go, if not to the sender."), ("Ответ", "Кому уйдёт ответ."))
    ] = ()
    subject: Annotated[
        str, option(("Subject", "Line breaks become spaces."), ("Тема", "Переводы строк станут пробелами."))
    ]
    text: Annotated[str | None, option(("Text", "The mail as plain text."), ("Текст", "Письмо простым текстом."))] = (
        None
    )
    html: Annotated[
        str | None,
        option(
            ("HTML", "The mail as HTML. With text as well, the reader's program chooses. Escape values with `| e`."),
            ("HTML", "Письмо в HTML. Если есть и текст, выберет программа получателя. Значения — через `| e`."),
        ),
    ] = None

    @model_validator(mode="after")
    def _say_something(self) -> Self:
        if self.text is None and self.html is None:
            raise ValueError("give text or html")
        return self


class SendEmail(Action[SendEmailOptions]):
    """Sends one mail; its result is `{message_id, accepted, refused}`.

    Every attempt of a step has the same Message-ID. If the server takes the mail for some of the recipients, the step
    has succeeded; `refused` then says for each of the others what the server answered.
    """

    name = "send_email"
    title = {"en": "Send an e-mail", "ru": "Отправить письмо"}  # noqa: RUF012 - the interface declares it a ClassVar
    description = {  # noqa: RUF012 - as the title
        "en": "Sends an e-mail with values of the event.",
        "ru": "Отправляет письмо с данными события.",
    }
    Options = SendEmailOptions

    async def run(self, options: SendEmailOptions, step: Step) -> JsonObject:
        """Send the mail. Raises `TemporaryFailure` and `PermanentFailure` as the README's table says."""
        mail = Mail(
            sender=options.sender,
            to=options.to,
            subject=options.subject,
            key=step.idempotency_key,
            text=options.text,
            html=options.html,
            cc=options.cc,
            bcc=options.bcc,
            reply_to=options.reply_to,
        )
        receipt = await deliver(mail, options, self.context)
        if receipt.refused:
            self.context.log.warning("some recipients were refused", server=options.place, refused=receipt.refused)
        return {"message_id": mail.id, "accepted": list(receipt.accepted), "refused": dict(receipt.refused)}
