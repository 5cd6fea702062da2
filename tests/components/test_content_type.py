import codecs
import encodings
import pkgutil
from encodings.aliases import aliases

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield import declared_charset, is_json_type

PYTHONS_OWN = {"charmap", "idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"}
NOT_OF_TEXT = {"base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec", "zlib_codec"}
NO_CHARSETS = {"aliases", "mbcs", "oem", "utf_7"} | PYTHONS_OWN | NOT_OF_TEXT
MODULES = {module.name for module in pkgutil.iter_modules(encodings.__path__)}
CHARSETS = st.sampled_from(sorted(MODULES - NO_CHARSETS))
WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789.-", min_size=1)


@given(CHARSETS)
def test_every_charset_that_python_can_read_is_known(name: str) -> None:
    charset = declared_charset(f"text/plain; charset={name}")
    assert codecs.lookup(charset).name == codecs.lookup(name).name


@pytest.mark.parametrize("name", [*sorted(NO_CHARSETS), "utf-7", "unicode-escape", "base64", "hex", "zip", "rot13"])
def test_what_is_no_charset_is_read_as_utf_8(name: str) -> None:
    assert declared_charset(f"text/plain; charset={name}") == "utf-8"


@given(st.sampled_from(sorted(MODULES | aliases.keys())), st.binary())
@example("utf-16", b"\x00\xd8")
@example("utf-7", b"+2AA-")
def test_whatever_the_charset_octets_become_text_that_can_be_written(name: str, octets: bytes) -> None:
    octets.decode(declared_charset(f"text/plain; charset={name}"), "replace").encode()


@given(st.text())
@example("text/plain; charset=" + "a" * 100_000)
@example("; charset=.." * 10_000)
def test_any_content_type_has_a_charset_that_can_be_decoded(content_type: str) -> None:
    b"?".decode(declared_charset(content_type), "replace")
    assert is_json_type(content_type) in {True, False}


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        (None, "utf-8"),
        ("", "utf-8"),
        ("application/json", "utf-8"),
        ("text/plain; charset=UTF8", "utf-8"),
        ('text/plain;charset="Windows-1251"', "cp1251"),
        ("text/plain ; Charset = KOI8-R ; format=flowed", "koi8-r"),
        ("text/plain; charset=ISO_8859-5:1988", "iso8859-5"),
        ("text/plain; charset=ANSI_X3.4-1968", "ascii"),
        ("text/plain; charset=utf-16le", "utf-16-le"),
        ("text/plain; charset=utf-99", "utf-8"),
        ("text/plain; x-charset=koi8-r", "utf-8"),
    ],
)
def test_a_charset_is_found_whatever_its_spelling(content_type: str | None, charset: str) -> None:
    assert declared_charset(content_type) == charset


def test_python_is_not_asked_for_names_that_a_sender_invents() -> None:
    asked: list[str] = []
    codecs.register(asked.append)
    try:
        declared_charset("text/plain; charset=invented")
        with pytest.raises(LookupError):
            codecs.lookup("invented-too")
    finally:
        codecs.unregister(asked.append)
    assert asked == ["invented_too"]


@given(WORDS, WORDS, st.sampled_from(["", ";charset=utf-8", " ; charset=koi8-r", " "]))
def test_a_type_with_the_suffix_json_is_json(kind: str, subtype: str, parameters: str) -> None:
    assert is_json_type(f"{kind}/{subtype}+json{parameters}")
    assert is_json_type(f"{kind}/{subtype}+JSON{parameters}")
    assert not is_json_type(f"{kind}/{subtype}+json-seq{parameters}")


@pytest.mark.parametrize(
    ("content_type", "is_json"),
    [
        ("application/json", True),
        (" Application/JSON; charset=utf-8", True),
        ("text/json", True),
        ("application/problem+json", True),
        ("application/jsonp", False),
        ("application/x-ndjson", False),
        ("text/plain; x=application/json", False),
        ("json", False),
        ("", False),
        (None, False),
    ],
)
def test_what_is_json_is_known_by_its_type(content_type: str | None, is_json: bool) -> None:  # noqa: FBT001
    assert is_json_type(content_type) is is_json
