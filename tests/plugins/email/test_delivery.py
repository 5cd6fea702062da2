import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
import structlog

from jackfield import PermanentFailure, TemporaryFailure
from jackfield.http.client import HttpPool
from jackfield.testing import run_action
from jackfield_email.action import SendEmail, SendEmailOptions
from jackfield_email.delivery import deliver
from jackfield_email.message import Mail
from tests.plugins.email.servers import PASSWORD, Mailbox, Talk, bad_server, certificate, knows_password, mail_server

MAIL = {"from": "robot@example.ru", "to": "anna@example.ru", "subject": "Hello", "text": "Hello, Anna"}


def send(port: int, **more: object) -> Any:
    return run_action(SendEmail, {"server": f"smtp://127.0.0.1:{port}", "tls": "none"} | MAIL | more)


def says(*lines: bytes) -> Talk:
    """Say one line for each that comes in, the first by itself; then hang up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for line in lines:
            writer.write(line + b"\r\n")
            await reader.readline()
        writer.close()

    return talk


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


def test_a_mail_goes_out_in_the_clear_only_if_that_is_said() -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        result = send(port)
        with pytest.raises(PermanentFailure, match=f"^127.0.0.1:{port} does not do .*STARTTLS"):
            run_action(SendEmail, {"server": f"smtp://127.0.0.1:{port}", **MAIL})
    [message] = mailbox.messages
    assert message["To"] == "anna@example.ru"
    assert result == {"message_id": message["Message-ID"], "accepted": ["anna@example.ru"], "refused": {}}


def test_starttls_with_an_authority_of_ones_own() -> None:
    mailbox = Mailbox()
    ca, context = certificate()
    with mail_server(mailbox, tls_context=context, require_starttls=True) as port:
        run_action(SendEmail, {"server": f"smtp://127.0.0.1:{port}", "ca": ca, **MAIL})
    assert len(mailbox.messages) == 1


def test_tls_from_the_start_with_an_authority_in_a_file(tmp_path: Any) -> None:
    mailbox = Mailbox()
    ca, context = certificate()
    (tmp_path / "ca.pem").write_text(ca)
    with mail_server(mailbox, implicit_tls=context) as port:
        run_action(SendEmail, {"server": f"smtps://127.0.0.1:{port}", "ca": "ca.pem", **MAIL}, folder=tmp_path)
    assert len(mailbox.messages) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_that_nobody_vouches_for_is_refused(scheme: str) -> None:
    mailbox = Mailbox()
    _, context = certificate()
    options = {"implicit_tls": context} if scheme == "smtps" else {"tls_context": context}
    with (
        mail_server(mailbox, **options) as port,
        pytest.raises(TemporaryFailure, match=f"certificate of 127.0.0.1:{port} cannot be trusted .*issuer"),
    ):
        run_action(SendEmail, {"server": f"{scheme}://127.0.0.1:{port}", **MAIL})
    assert mailbox.messages == []


def test_a_certificate_for_another_name_is_refused() -> None:
    ca, context = certificate()
    with (
        mail_server(Mailbox(), implicit_tls=context) as port,
        pytest.raises(TemporaryFailure, match=f"certificate of localhost:{port} cannot be trusted"),
    ):
        run_action(SendEmail, {"server": f"smtps://localhost:{port}", "ca": ca, **MAIL})


def test_tls_with_a_server_that_does_not_speak_it_fails_for_now() -> None:
    with mail_server(Mailbox()) as port, pytest.raises(TemporaryFailure, match=f"TLS with 127.0.0.1:{port} failed"):
        run_action(SendEmail, {"server": f"smtps://127.0.0.1:{port}", **MAIL})


@pytest.mark.parametrize("ca", ["/nowhere/ca.pem", "-----BEGIN CERTIFICATE-----\nx", "\0", "-----BEGIN я"])
def test_an_authority_that_cannot_be_read_is_named(ca: str) -> None:
    with pytest.raises(PermanentFailure, match=r"^ca can be used neither"):
        run_action(SendEmail, {"server": "smtps://127.0.0.1:1", "ca": ca, **MAIL})


def login(port: int, password: str, tls: str = "none", ca: str | None = None) -> Any:
    server = f"smtp://robot%40example.ru@127.0.0.1:{port}"
    mail = {key: value for key, value in MAIL.items() if key != "from"}
    return run_action(SendEmail, {"server": server, "tls": tls, "ca": ca, "password": password, **mail})


def test_who_knows_the_password_may_send() -> None:
    mailbox = Mailbox()
    ca, context = certificate()
    with mail_server(mailbox, tls_context=context, authenticator=knows_password, auth_required=True) as port:
        login(port, PASSWORD, tls="starttls", ca=ca)
    assert mailbox.messages[0]["From"] == "robot@example.ru"


def test_a_wrong_password_fails_for_good_and_is_not_in_the_reason() -> None:
    with (
        mail_server(Mailbox(), authenticator=knows_password, auth_require_tls=False) as port,
        pytest.raises(PermanentFailure, match=f"^127.0.0.1:{port} refused the login.*: 535 ") as caught,
    ):
        login(port, "wr0ng")
    assert "wr0ng" not in str(caught.value)


def test_a_server_without_login_is_told() -> None:
    with mail_server(Mailbox()) as port, pytest.raises(PermanentFailure, match=f"127.0.0.1:{port} .*AUTH"):
        login(port, PASSWORD)


def test_a_server_that_repeats_the_password_is_not_quoted() -> None:
    talk = says(b"220 hi", b"250-x\r\n250 AUTH LOGIN", b"334 UGFzc3dvcmQ6", b"535 not wr0ng")
    with bad_server(talk) as port, pytest.raises(PermanentFailure, match=r"refused the login.*: 535$"):
        login(port, "wr0ng")


@pytest.mark.parametrize(
    ("answers", "failure"),
    [
        ({"anna@example.ru": "550 no such user"}, PermanentFailure),
        ({"anna@example.ru": "451 come again"}, TemporaryFailure),
    ],
)
def test_a_recipient_that_is_refused_is_a_failure_of_the_same_kind(
    answers: dict[str, str], failure: type[Exception]
) -> None:
    with (
        mail_server(Mailbox(answers)) as port,
        pytest.raises(failure, match=f"{port} refused every recipient: anna@example.ru: {answers['anna@example.ru']}$"),
    ):
        send(port)


def test_if_one_of_those_refused_may_be_taken_later_the_failure_is_temporary() -> None:
    answers = {"anna@example.ru": "550 no such user", "boris@example.ru": "451 come again"}
    with mail_server(Mailbox(answers)) as port, pytest.raises(TemporaryFailure):
        send(port, to=list(answers))


def test_those_that_are_refused_beside_others_are_in_the_result() -> None:
    mailbox = Mailbox({"boris@example.ru": "550 no such user"})
    with mail_server(mailbox) as port:
        result = send(port, to=["anna@example.ru", "boris@example.ru"])
    assert result["accepted"] == ["anna@example.ru"]
    assert result["refused"] == {"boris@example.ru": "550 no such user"}
    assert len(mailbox.messages) == 1


@pytest.mark.parametrize(("answer", "failure"), [("554 spam", PermanentFailure), ("452 full", TemporaryFailure)])
def test_a_mail_that_is_refused_is_a_failure_of_the_same_kind(answer: str, failure: type[Exception]) -> None:
    with mail_server(Mailbox(data=answer)) as port, pytest.raises(failure, match=f"127.0.0.1:{port} answered {answer}"):
        send(port)


def test_a_sender_that_is_refused_is_named() -> None:
    talk = says(b"220 hi", b"250 x", b"553 not yours", b"250 ok")
    with (
        bad_server(talk) as port,
        pytest.raises(PermanentFailure, match=r"the sender robot@example\.ru: 553 not yours"),
    ):
        send(port)


def test_a_server_that_is_not_there_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(TemporaryFailure, match=f"^127.0.0.1:{port} cannot be reached, .*Connection refused"):
            send(port)


def test_a_server_that_does_not_answer_in_time_fails_for_now() -> None:
    with bad_server(says_nothing) as port, pytest.raises(TemporaryFailure, match=f"{port} did not answer within 0.1 s"):
        send(port, wait="100 ms")


@pytest.mark.parametrize(
    "talk",
    [
        says(),
        says(b"220 hi"),
        says(b"220 hi", b"250 x", b"250 sender", b"250 recipient"),
        says(b"220 hi", b"250 x", b"250 sender", b"250 recipient", b"354 go on"),
    ],
)
def test_a_server_that_hangs_up_fails_for_now(talk: Talk) -> None:
    with bad_server(talk) as port, pytest.raises(TemporaryFailure, match=f"127.0.0.1:{port} "):
        send(port)


@pytest.mark.parametrize(("answer", "failure"), [(b"421 busy", TemporaryFailure), (b"554 no", PermanentFailure)])
def test_a_server_that_does_not_even_greet_is_quoted(answer: bytes, failure: type[Exception]) -> None:
    with bad_server(says(answer)) as port, pytest.raises(failure, match=f"{port} answered {answer.decode()}"):
        send(port)


@pytest.mark.parametrize("line", [b"hello", b"\xff\xfe", b"220-", b"999999 x", b"220 " + b"x" * 100_000])
def test_what_is_no_mail_server_is_a_failure_too(line: bytes) -> None:
    with bad_server(says(line)) as port, pytest.raises((TemporaryFailure, PermanentFailure), match=f"127.0.0.1:{port}"):
        send(port, wait="1 s")


def test_a_mail_server_at_an_address_that_is_not_public_is_refused_unless_it_is_allowed() -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        options = {"server": f"smtp://localhost:{port}", "tls": "none", **MAIL}
        with pytest.raises(PermanentFailure, match=r"is a loopback address; to allow it, put it into \[http\] allow"):
            run_action(SendEmail, options, allow=[])
        assert mailbox.messages == []
        run_action(SendEmail, options, allow=["localhost"])
    assert len(mailbox.messages) == 1


def test_certificates_outside_of_the_project_folder_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(certificate()[0])
    (tmp_path / "project").mkdir()
    for name in ("../ca.pem", str(tmp_path / "ca.pem")):
        with pytest.raises(PermanentFailure, match="lies outside of the project folder"):
            run_action(SendEmail, {"server": "smtps://127.0.0.1:9", "ca": name, **MAIL}, folder=tmp_path / "project")


def test_a_mail_that_was_taken_is_delivered_even_if_the_server_then_hangs_up() -> None:
    lines = [b"220 hi", b"250 x", b"250 sender", b"250 recipient", b"354 go on"]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for line in lines:
            writer.write(line + b"\r\n")
            await (reader.readuntil(b"\r\n.\r\n") if line.startswith(b"354") else reader.readline())
        writer.write(b"250 taken\r\n")
        await writer.drain()
        writer.close()

    with bad_server(talk) as port:
        assert send(port)["accepted"] == ["anna@example.ru"]


def test_a_delivery_that_is_cancelled_ends_at_once() -> None:
    async def main(port: int) -> None:
        options = SendEmailOptions.model_validate({"server": f"smtp://127.0.0.1:{port}", "tls": "none", **MAIL})
        mail = Mail(sender=options.sender, to=options.to, subject="x", key="x", text="x")
        pool = HttpPool(allow=["127.0.0.1"])
        context = pool.lend(structlog.get_logger())
        async with asyncio.timeout(0.1):
            await deliver(mail, options, context)  # the server never answers, and 20 s would be left

    with bad_server(says_nothing) as port, pytest.raises(TimeoutError):
        asyncio.run(main(port))
