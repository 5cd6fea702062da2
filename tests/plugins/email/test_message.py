import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from jackfield_email.action import SendEmailOptions
from jackfield_email.address import Address
from jackfield_email.message import Mail

ANNA = Address("anna@example.ru")
BLANK = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
HOSTILE = st.lists(
    st.sampled_from(["\r\n", "\n", "\r", "Bcc: x@y.ru", "=?utf-8?q?=0A?=", ",", '"', "<", ">", "@", "\\", "Ж", " "])
).map("".join)
LINE_END = re.compile(r"\r\n|\r|\n")


def parsed(mail: Mail) -> EmailMessage:
    message = message_from_bytes(mail.encode(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert message.defects == []
    return message


def in_lines(text: str) -> str:
    return LINE_END.sub("\n", text)


def content(part: object) -> str:
    assert isinstance(part, EmailMessage)
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode("utf-8")


@given(TEXT | HOSTILE)
def test_a_subject_comes_out_as_it_went_in_with_blanks_as_spaces(subject: str) -> None:
    message = parsed(Mail(ANNA, [ANNA], subject, "k", text="x"))
    assert message["Subject"] == BLANK.sub(" ", subject).strip()
    assert message.keys() == [
        "Content-Type", "MIME-Version", "Content-Transfer-Encoding", "From", "To", "Subject", "Date", "Message-ID",
    ]  # fmt: skip


@given(st.lists(TEXT | HOSTILE, min_size=1, max_size=4))
def test_names_come_out_as_they_went_in_and_make_no_other_recipient(names: list[str]) -> None:
    to = [Address(f"a{number}@example.ru", name) for number, name in enumerate(names)]
    message = message_from_bytes(Mail(to[0], to, "x", "k", text="x", cc=to, reply_to=to).encode())
    wanted = [(BLANK.sub(" ", address.name).strip(), address.mailbox) for address in to]
    for header in ("To", "Cc", "Reply-To"):
        written = getaddresses([str(message[header])])
        assert [(str(make_header(decode_header(name))), mailbox) for name, mailbox in written] == wanted
    assert "Bcc" not in message


@given(TEXT | HOSTILE, TEXT | HOSTILE)
def test_text_and_html_come_out_as_they_went_in(text: str, html: str) -> None:
    message = parsed(Mail(ANNA, [ANNA], "x", "k", text=text, html=html))
    assert message.get_content_type() == "multipart/alternative"
    plain, rich = message.iter_parts()
    assert (plain.get_content_type(), rich.get_content_type()) == ("text/plain", "text/html")
    assert in_lines(content(plain)) == in_lines(text)
    assert in_lines(content(rich)) == in_lines(html)


@given(TEXT, TEXT)
def test_no_line_is_longer_than_a_server_takes(subject: str, name: str) -> None:
    mail = Mail(ANNA, [Address("a@example.ru", name * 20)], subject * 20, "k", text=subject * 200)
    content = mail.encode()
    content.decode("ascii")
    assert max(len(line) for line in content.split(b"\r\n")) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"")


def test_only_html_is_a_mail_of_one_part() -> None:
    assert parsed(Mail(ANNA, [ANNA], "x", "k", html="<b>x</b>")).get_content_type() == "text/html"


def test_the_same_key_has_the_same_id_and_another_one_has_another() -> None:
    first, again, other = (Mail(ANNA, [ANNA], "x", key, text="x").id for key in ("run-1/a", "run-1/a", "run-2/a"))
    assert first == again != other
    assert re.fullmatch(r"<[0-9a-f]{32}@example\.ru>", first)


def test_who_gets_a_blind_copy_is_in_the_envelope_only() -> None:
    mail = Mail(ANNA, [ANNA], "x", "k", text="x", cc=[ANNA], bcc=[Address("boris@example.ru")])
    assert mail.recipients == ["anna@example.ru", "boris@example.ru"]
    assert b"boris" not in mail.encode()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("anna@example.ru", Address("anna@example.ru")),
        (" <anna@example.ru>\n", Address("anna@example.ru")),
        ("Анна Петрова <anna+x@example.ru>", Address("anna+x@example.ru", "Анна Петрова")),
        ('"Петрова, \\"Анна\\"" <anna@example.ru>', Address("anna@example.ru", 'Петрова, "Анна"')),
        ("anna@Пример.рф", Address("anna@xn--e1afmkfd.xn--p1ai")),
        ("root@localhost", Address("root@localhost")),
    ],
)
def test_an_address_is_read(text: str, address: Address) -> None:
    assert Address.parse(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anna",
        "@example.ru",
        "anna@",
        "anna@example.ru\nBcc: eve@example.ru",
        "Anna\r\nBcc: eve@example.ru <anna@example.ru>",
        "anna@example.ru, eve@example.ru",
        "anna@example.ru> <eve@example.ru",
        "anna@example.ru>\x00<eve@example.ru",
        "anna petrova@example.ru",
        "анна@example.ru",
        '"anna eve"@example.ru',
        "anna@example..ru",
        "anna@-example.ru",
        "anna@[127.0.0.1]",
        "anna@example.ru SIZE=1",
        ".anna@example.ru",
        "a" * 65 + "@example.ru",
        "a@" + "a." * 200 + "ru",
        "a@" + "b" * 64 + ".ru",
    ],
)
def test_what_is_not_exactly_one_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Address.parse(text)


@given(TEXT | HOSTILE)
def test_whatever_is_read_as_an_address_fits_a_command(text: str) -> None:
    try:
        address = Address.parse(text)
    except ValueError:
        return
    assert re.fullmatch(r"[!-~]+@[a-zA-Z0-9.-]+", address.mailbox)
    assert not set(address.mailbox) & set('<>",;:\\ ()')


SERVER = {"server": "smtp://127.0.0.1", "from": "a@example.ru", "to": "b@example.ru", "subject": "x", "text": "x"}


@pytest.mark.parametrize(
    ("server", "encryption", "place"),
    [
        ("smtp://smtp.example.ru", "starttls", "smtp.example.ru:587"),
        ("smtps://smtp.example.ru", "tls", "smtp.example.ru:465"),
        ("SMTP://smtp.example.ru:25/", "starttls", "smtp.example.ru:25"),
    ],
)
def test_a_server_says_how_it_is_reached(server: str, encryption: str, place: str) -> None:
    options = SendEmailOptions.model_validate(SERVER | {"server": server})
    assert (options.encryption, options.place) == (encryption, place)


@pytest.mark.parametrize("user", ["robot%40example.ru", "robot@example.ru"])
def test_the_sender_is_the_servers_user_if_nothing_else_is_said(user: str) -> None:
    given = {key: value for key, value in SERVER.items() if key != "from"}
    options = SendEmailOptions.model_validate(given | {"server": f"smtp://{user}@smtp.example.ru", "password": "x"})
    assert options.sender == Address("robot@example.ru")
    assert options.server.user == "robot@example.ru"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"server": "http://example.ru"}, "is not a mail server"),
        ({"server": "smtp://"}, "is not a mail server"),
        ({"server": "smtp://h:99999"}, "is not a mail server"),
        ({"server": "smtp://h/path"}, "is not a mail server"),
        ({"server": "smtp://exa mple.ru"}, "is not a mail server"),
        ({"server": "smtp://a..b"}, "is not a mail server"),
        ({"server": "smtp://robot:pass@h"}, "must not contain a password"),
        ({"server": "smtp://robot@h"}, "password is required"),
        ({"password": "x"}, "must name the user"),
        ({"from": None}, "from is required"),
        ({"to": []}, "at least 1"),
        ({"to": [{"mailbox": "a@b.ru\r\nDATA", "name": ""}]}, "valid string"),
        ({"text": None}, "give text or html"),
        ({"wait": "0 s"}, "longer than nothing"),
        ({"tls": "ssl"}, "'starttls', 'tls' or 'none'"),
    ],
)
def test_options_that_do_not_fit_are_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        SendEmailOptions.model_validate(SERVER | wrong)
