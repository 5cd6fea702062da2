import asyncio
import tomllib
from datetime import UTC, datetime

import pytest
import structlog

from jackfield import Notice, NoticeKind, PermanentFailure, TemporaryFailure
from jackfield.http.client import HttpPool
from jackfield_email.notifier import EmailNotifier, EmailNotifierOptions
from tests.docs.markdown import ROOT, blocks
from tests.plugins.email.servers import Mailbox, mail_server

LINK = "https://hooks.example.ru/runs/1"
NOTICE = Notice(
    kind=NoticeKind.FAILED,
    subject="Jackfield: «Заявки»: ошибок — 500",
    text=f"Первая из них:\n\n{LINK}",
    at=datetime(2026, 11, 24, 12, tzinfo=UTC),
    pipeline="orders",
    count=500,
    link=LINK,
)


def notify(port: int, *notices: Notice, to: object = "admin@example.ru") -> None:
    given = {"server": f"smtp://127.0.0.1:{port}", "tls": "none", "from": "Хост <host@example.ru>", "to": to}

    async def main() -> None:
        pool = HttpPool(allow=["127.0.0.1"])
        notifier = EmailNotifier(EmailNotifier.Options.model_validate(given), pool.lend(structlog.get_logger()))
        for notice in notices:
            await notifier.notify(notice)
        await notifier.close()
        await pool.close()

    asyncio.run(main())


def test_the_readmes_table_is_what_it_takes() -> None:
    [block] = [block for block in blocks("toml", ROOT / "plugins/email/README.md") if "[notices.email]" in block.text]
    options = EmailNotifier.Options.model_validate(tomllib.loads(block.text)["notices"]["email"])
    assert isinstance(options, EmailNotifierOptions)
    assert options.sender.mailbox == "robot@example.ru"


def test_a_notice_is_a_mail_in_plain_text_that_says_it_comes_from_a_machine() -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        notify(port, NOTICE, to=["admin@example.ru", "Вторая <second@example.ru>"])
    [message] = mailbox.messages
    assert message["Subject"] == NOTICE.subject
    assert message["From"] == "Хост <host@example.ru>"
    assert message["To"] == "admin@example.ru, Вторая <second@example.ru>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == NOTICE.at
    assert message.get_content_type() == "text/plain"
    assert message.get_content().splitlines() == ["Первая из них:", "", LINK]


def test_a_link_that_the_text_lacks_is_added() -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        notify(port, Notice(kind=NoticeKind.TEST, subject="Try", text="It works.", at=NOTICE.at, link=LINK))
    assert mailbox.messages[0].get_content().splitlines() == ["It works.", "", LINK]


def test_a_notice_that_is_sent_again_has_the_same_id_and_another_has_another() -> None:
    mailbox = Mailbox()
    other = Notice(kind=NoticeKind.RECOVERED, subject=NOTICE.subject, text="x", at=NOTICE.at)
    with mail_server(mailbox) as port:
        notify(port, NOTICE, NOTICE, other)
    first, again, third = (message["Message-ID"] for message in mailbox.messages)
    assert first == again != third


def test_a_notice_that_some_get_is_delivered_and_the_others_are_in_the_log() -> None:
    mailbox = Mailbox({"second@example.ru": "550 no such user"})
    with mail_server(mailbox) as port, structlog.testing.capture_logs() as lines:
        notify(port, NOTICE, to=["admin@example.ru", "second@example.ru"])
    assert len(mailbox.messages) == 1
    assert [line["refused"] for line in lines] == [{"second@example.ru": "550 no such user"}]


@pytest.mark.parametrize(("answer", "failure"), [("550 no", PermanentFailure), ("451 later", TemporaryFailure)])
def test_a_notice_that_nobody_gets_is_a_failure(answer: str, failure: type[Exception]) -> None:
    with mail_server(Mailbox({"admin@example.ru": answer})) as port, pytest.raises(failure, match=answer):
        notify(port, NOTICE)
