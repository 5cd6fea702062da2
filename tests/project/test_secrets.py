import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield.errors import ConfigurationError
from jackfield.masking import Mask, secret_mask
from jackfield.project.secrets import Secrets

TOKEN = "s3cr3t-Токен"

# No asterisk: a value made of the mask's own character would be found in the mask.
values = st.text(
    st.one_of(
        st.characters(codec="utf-8", exclude_characters="*"),
        st.sampled_from("aZ09 -._~:/?#[]@!$&'()+,;=\"\\%\n\r\t\b\f\x00\x7f\u2028éЖ😀"),
    ),
    min_size=1,
    max_size=12,
)


def project(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "secrets.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return folder


def problems(folder: Path, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        Secrets.load(folder, environ or {})
    return [str(problem) for problem in caught.value.problems]


def lower_hex(text: str) -> str:
    return "".join(part.lower() if index % 2 else part for index, part in enumerate(_split_keeping_escapes(text)))


def _split_keeping_escapes(text: str) -> list[str]:
    pieces = text.split("%")
    parts = [pieces[0]]
    for piece in pieces[1:]:
        parts += ["%" + piece[:2], piece[2:]]
    return parts


def encodings(value: str) -> list[str]:
    percent = [quote(value), quote(value, safe=""), quote_plus(value), quote(value, safe="~:/?@!$&'()+,;=")]
    escaped = [json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]]
    php = json.dumps(value)[1:-1].replace("/", r"\/")
    return [value, *percent, *map(lower_hex, percent), *escaped, php]


def test_a_project_without_secrets_has_none(tmp_path: Path) -> None:
    assert dict(Secrets.load(tmp_path, {})) == {}


def test_secrets_are_read_from_the_file(tmp_path: Path) -> None:
    project(tmp_path, f'BIZON_TOKEN = "{TOKEN}"\n_x1 = ""\n')

    assert dict(Secrets.load(tmp_path, {})) == {"BIZON_TOKEN": TOKEN, "_x1": ""}


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    project(tmp_path, 'A = "file"\nB = "file"\n')

    secrets = Secrets.load(tmp_path, {"JACKFIELD_SECRET_A": "environment", "JACKFIELD_SECRET_C": "new", "A": "other"})

    assert dict(secrets) == {"A": "environment", "B": "file", "C": "new"}


def test_every_mistake_is_named_at_once_and_no_value_is_shown(tmp_path: Path) -> None:
    project(tmp_path, f'"my-key" = "{TOKEN}"\nPIN = 12345\n[prod]\nTOKEN = "{TOKEN}"\n')

    found = problems(tmp_path, {"JACKFIELD_SECRET_1ST": TOKEN})

    assert [line.rsplit(": ", 1)[0] for line in found] == [
        "secrets.toml:1: my-key",
        "secrets.toml:2: PIN: is not text",
        "secrets.toml:3: prod: is a table",
        "environment: JACKFIELD_SECRET_1ST",
    ]
    assert TOKEN not in str(found)
    assert "12345" not in str(found)


def test_a_broken_file_is_told_by_line_and_without_its_text(tmp_path: Path) -> None:
    project(tmp_path, f'A = "x"\nTOKEN = {TOKEN}\n')

    (problem,) = problems(tmp_path)

    assert problem.startswith("secrets.toml:2: is not valid TOML")
    assert TOKEN not in problem


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_that_others_may_open_is_warned_of(tmp_path: Path, mode: int) -> None:
    secrets = Secrets.load(project(tmp_path, f'A = "{TOKEN}"', mode), {})

    assert secrets["A"] == TOKEN
    (warning,) = secrets.warnings
    assert warning.file == "secrets.toml"
    assert f"{mode:04o}" in warning.message
    assert "chmod 600" in warning.message


def test_a_private_file_is_not_warned_of(tmp_path: Path) -> None:
    assert Secrets.load(project(tmp_path, 'A = "long enough"'), {}).warnings == ()


def test_secrets_never_show_their_values(tmp_path: Path) -> None:
    secrets = Secrets.load(tmp_path, {"JACKFIELD_SECRET_B": TOKEN, "JACKFIELD_SECRET_A": TOKEN})

    assert repr(secrets) == str(secrets) == "Secrets(A, B)"
    assert TOKEN not in repr(secrets.values())
    assert TOKEN not in repr(secrets.items())


def test_secrets_cannot_be_changed(tmp_path: Path) -> None:
    secrets = Secrets.load(tmp_path, {})

    with pytest.raises(AttributeError):
        secrets.warnings = ()  # type: ignore[misc]
    with pytest.raises(TypeError):
        secrets["A"] = "x"  # type: ignore[index]


def test_a_mask_without_values_gives_the_text_itself() -> None:
    text = "nothing to hide"

    assert Mask()(text) is text
    assert Mask([""])(text) is text


def test_a_masked_value_leaves_the_text_around_it() -> None:
    assert Mask([TOKEN])(f"X-Token: {TOKEN}; again={TOKEN}.") == "X-Token: ***; again=***."


def test_the_longest_value_goes_first() -> None:
    assert Mask(["abc", "abcdef", "ab"])("abcdef abc ab a") == "*** *** *** a"


def test_a_value_with_the_signs_of_a_pattern_is_only_text() -> None:
    assert Mask(["a.c", "[x]+", "(", "^", "]"])("abc a.c [x]+ x ( ^ ]") == "abc *** *** x *** *** ***"


def test_an_extended_mask_hides_the_old_and_the_new_values() -> None:
    mask = Mask(["first"])
    extended = mask.extended(["second", ""])

    assert extended("first second third") == "*** *** third"
    assert mask("first second") == "*** second"
    assert extended.values == {"first", "second"}


def test_a_mask_never_shows_its_values() -> None:
    assert repr(Mask([TOKEN, "other"])) == "Mask(2 values)"


def test_a_value_is_found_in_a_url_as_httpx_writes_it() -> None:
    value = "12:AB/c+d e=ключ\"'~"
    url = str(httpx.URL("https://example.ru/", params={"key": value}))
    path = str(httpx.URL(f"https://example.ru/bot{value}/send"))

    assert Mask([value])(url) == "https://example.ru/?key=***"
    assert Mask([value])(path) == "https://example.ru/bot***/send"


KEY = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"


@pytest.mark.parametrize(
    "text", [KEY.upper(), KEY.lower(), KEY.swapcase(), quote(KEY.upper()), json.dumps(KEY.lower())[1:-1]]
)
def test_a_value_in_another_case_is_masked(text: str) -> None:
    assert Mask([KEY])(f"bad key {text}!") == "bad key ***!"


def test_letters_of_every_alphabet_are_masked_in_every_case() -> None:
    mask = Mask(["Пароль-Ёлка-İß"])
    for text in (
        "Пароль-Ёлка-İß",
        "пароль-ёлка-İß",
        "ПАРОЛЬ-ЁЛКА-İß",
        quote("ПАРОЛЬ-ёлка-İß"),
        json.dumps("пароль-ЁЛКА-İß"),
    ):
        assert mask(f"x{text}x").strip('"x') in ("***", '"***"')


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("bad key ", ""),
        ("bad key ", "..."),
        ("bad key ", "…"),
        ('{"error": "bad key ', '"}'),
        ("<b>", "</b>"),
        ("", " is bad"),
    ],
)
def test_a_value_that_is_broken_off_is_masked(before: str, after: str) -> None:
    for cut in range(len(KEY) // 2, len(KEY)):
        assert Mask([KEY, "other-secret"])(f"{before}{KEY[:cut]}{after}") == f"{before}***{after}"
        assert Mask([KEY])(f"{before}{quote(KEY[:cut]).upper()}{after}") == f"{before}***{after}"


@pytest.mark.parametrize("after", ["", "...", '"}', "\n"])
def test_even_a_short_beginning_is_masked_where_the_text_is_cut(after: str) -> None:
    for cut in range(6, len(KEY) // 2):
        assert Mask([KEY])(f"key {KEY[:cut]}{after}") == f"key ***{after}"


@given(values, values, st.integers(0, 24))
def test_no_long_beginning_of_a_value_ends_a_text(value: str, other: str, cut: int) -> None:
    secret = value + other
    beginning = secret[: min(cut, len(secret))]
    masked = Mask([secret])(f"* {beginning}")
    assert len(beginning) < 6 or beginning not in masked


def test_what_only_begins_like_a_value_is_left_alone() -> None:
    mask = Mask(["https://crm.example.ru/api", "sk_live_4eC39HqLyjWDarjtT1zdp7dc"])
    for text in ("https://crm.other.example/x", "https://other.example/", "sk_live_ is how they begin", "https: no"):
        assert mask(text) == text


def test_masking_hostile_text_takes_no_longer_than_any_other() -> None:
    value = "\\" * 30 + "%25" * 10 + " +" * 10 + "x"
    hostile = ("\\" * 120 + "%25" * 40 + " +" * 40) * 20

    masked = Mask([value])(hostile)
    assert value not in masked
    assert hostile.startswith(masked.partition("***")[0])


@given(values)
@example("\\n")
@example('\\"')
@example("%25%")
@example("a+b c")
def test_a_value_is_masked_in_every_encoding(value: str) -> None:
    mask = Mask([value])

    for encoded in encodings(value):
        masked = mask(encoded)
        assert masked.startswith("***")
        assert value not in masked


@given(st.text(alphabet="aZ09 -._~:/?#[]@!$&'()+,;=\"\n\x00éЖ\u2028😀\U00011daa", min_size=1))
def test_nothing_of_a_value_is_left(value: str) -> None:
    mask = Mask([value])

    assert {mask(encoded) for encoded in encodings(value)} == {"***"}


@given(st.lists(values, max_size=4), st.text(st.characters(codec="utf-8", exclude_characters="*"), max_size=20))
def test_no_value_is_left_in_any_text(secrets: list[str], filler: str) -> None:
    mask = Mask(secrets)
    pieces = [filler + encoded for value in secrets for encoded in encodings(value)]

    # The asterisk keeps one piece's end and the next one's beginning from making up a value that was never there.
    masked = mask("*".join(pieces))

    assert not any(value in masked for value in secrets)


@given(st.text(alphabet="xyz {}:/%\\+\"'"), st.lists(st.text(alphabet="ABC", min_size=1), max_size=3))
def test_text_without_a_value_is_left_alone(text: str, secrets: list[str]) -> None:
    assert Mask(secrets)(text) == text


def test_a_short_secret_is_warned_of_without_its_value(tmp_path: Path) -> None:
    (warning,) = Secrets.load(project(tmp_path, 'PIN = "1234"\nLONG = "long enough"'), {}).warnings
    assert str(warning).startswith("secrets.toml: PIN: has fewer than 6 characters and is not masked")
    assert "1234" not in str(warning)


def test_a_secret_of_fewer_than_six_characters_is_not_masked_and_hides_no_other_words() -> None:
    mask = secret_mask(["a", "12345", "123456"]).extended(["e", "abcdef"])
    assert mask("a sentence about 12345, 123456 and abcdef") == "a sentence about 12345, *** and ***"
    assert mask.values == {"123456", "abcdef"}
