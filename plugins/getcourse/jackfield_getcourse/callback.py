"""The callback: what the calls of «Вызвать URL» have in common, whatever the process is about."""

from __future__ import annotations

import hmac
import re
import reprlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Final
from urllib.parse import quote, urlencode

from pydantic import AfterValidator, SecretStr, model_validator
from pydantic import Field as Option
from pydantic_core import to_json

from jackfield import (
    Event,
    EventField,
    JsonValue,
    Malformed,
    OptionsModel,
    Unauthorized,
    WebhookRequest,
    WebhookSource,
    option,
)
from jackfield_getcourse.fields import placeholder
from jackfield_getcourse.parameters import Parameters, find_parameter, octets, read_parameters

_NOTHING: Final = frozenset({"", "(empty)", "none", "null"})
# A placeholder that was not replaced: `{object.anything}` wherever it stands, or `{email}` as the whole value.
_PLACEHOLDER: Final = re.compile(r"\{object\.[^{}]*\}|\A\s*\{[a-z_][\w.-]*(?:\s+format=[^{}]*)?\}\s*\Z", re.IGNORECASE)
_NAMES_SHOWN: Final = 5


def _not_empty(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value():
        raise ValueError("is empty and would keep nobody out; give it a value, or leave it out to let every call in")
    return secret


def _variable(text: str) -> str:
    if not text.strip() or "{" in text or "}" in text or text.startswith("object."):
        raise ValueError(f'{text!r} is not the name of a variable; write "VK-ID" for {{object.VK-ID}}')
    return text


class CallbackOptions(OptionsModel):
    """How a pipeline takes GetCourse's calls; `asked_for` are the fields that the address has by itself."""

    asked_for: ClassVar[Sequence[EventField]] = ()

    secret: Annotated[SecretStr, AfterValidator(_not_empty)] | None = option(
        ("Secret", "A word that every call must carry; calls without it are turned away."),
        ("Секрет", "Слово, которое должен содержать каждый вызов; вызовы без него отклоняются."),
        examples=["{{ secret.GETCOURSE }}"],
        default=None,
    )
    secret_parameter: str = option(
        (
            "Secret's parameter",
            "The parameter that carries the secret. Leave it empty to take the secret from the header only.",
        ),
        (
            "Параметр секрета",
            "Параметр, в котором передаётся секрет. Оставьте пустым, чтобы принимать секрет только в заголовке.",
        ),
        default="secret",
    )
    secret_header: str = option(
        ("Secret's header", "The header that may carry the secret in place of the parameter."),
        ("Заголовок секрета", "Заголовок, в котором секрет можно передать вместо параметра."),
        default="X-Access-Secret",
        pattern=r"^[A-Za-z0-9_-]+$",
    )
    extra: dict[Annotated[str, Option(min_length=1)], Annotated[str, AfterValidator(_variable)]] = option(
        (
            "Further parameters",
            (
                "What the address asks for besides the usual fields: a parameter's name and the variable in GetCourse, "
                "which for a custom field is its full title."
            ),
        ),
        (
            "Дополнительные параметры",
            (
                "Что добавить в адрес к обычным полям: имя параметра и переменная GetCourse; для дополнительного поля "
                "это его полный заголовок."
            ),
        ),
        default_factory=dict,
        examples=[{"vk_id": "VK-ID"}],
    )

    @model_validator(mode="after")
    def _secret_hides_no_field(self) -> CallbackOptions:
        if self.secret is not None and self.secret_parameter in {
            *(field.name for field in self.asked_for),
            *self.extra,
        }:
            raise ValueError(f"secret_parameter {self.secret_parameter!r} is the name of a field; choose another one")
        return self


class Callback(WebhookSource[CallbackOptions]):
    """Reads the call that «Вызвать URL» makes in a GetCourse process.

    One request is one event: the parameters of query and body under the names that the school's administrator has given
    them. GetCourse signs nothing, so the optional secret is all there is to verify.
    """

    methods: ClassVar[frozenset[str]] = frozenset({"GET", "POST"})

    def __init__(self, options: CallbackOptions) -> None:
        super().__init__(options)
        self._secret = options.secret.get_secret_value() if options.secret else ""
        self._secret_parameter = options.secret_parameter if options.secret else ""

    def verify(self, request: WebhookRequest) -> None:
        """Raise `Unauthorized` if a secret is set and the request carries it neither way."""
        expected = self._secret.encode()
        if expected and not any(hmac.compare_digest(shown, expected) for shown in self._shown_secrets(request)):
            raise Unauthorized(
                "The call does not carry the pipeline's secret; paste the address that `jackfield address` prints into "
                f"GetCourse again, or add the header {self.options.secret_header} there."
            )

    def parse(self, request: WebhookRequest) -> Iterable[Event]:
        """Read the parameters into one event; raise `Malformed` if there are none or they cannot be read."""
        parameters = read_parameters(request)
        data = parameters.values
        if self._secret_parameter:
            data.pop(self._secret_parameter, None)
        if not data:
            raise Malformed(
                "The call carries no parameters; paste the whole address that `jackfield address` prints into "
                "GetCourse, with everything after the question mark."
            )
        blank = frozenset(name for name, value in data.items() if _says_nothing(value))
        return (Event(data, blank, tuple(_warnings(parameters))),)

    def confidential(self) -> frozenset[str]:
        """Name the secret's parameter and header, if there is a secret."""
        if not self._secret:
            return frozenset()
        return frozenset({self.options.secret_header.lower(), self._secret_parameter.lower()} - {""})

    def address(self, url: str) -> str:
        """Add the parameters: placeholders with literal braces, as GetCourse wants them, and the secret, if any."""
        wanted = {field.name: field.placeholder for field in self.fields}
        wanted |= {name: placeholder(variable) for name, variable in self.options.extra.items()}
        if self._secret_parameter:
            wanted[self._secret_parameter] = quote(self._secret)
        return f"{url}?" + "&".join(f"{quote(name)}={value}" for name, value in wanted.items())

    def sample(self, values: Mapping[str, JsonValue]) -> WebhookRequest:
        """Return GetCourse's GET request with these values; else with the examples, extra ones empty."""
        examples = {field.name: field.example for field in self.fields}
        shown = dict.fromkeys(self.options.extra, "") | examples | dict(values)
        query = {name: _as_text(value) for name, value in shown.items()}
        headers = [("accept", "*/*")]
        if self._secret_parameter:
            query[self._secret_parameter] = self._secret
        elif self._secret:
            headers.append((self.options.secret_header.lower(), self._secret))
        return WebhookRequest(method="GET", query=urlencode(query, quote_via=quote), headers=tuple(headers))

    def _shown_secrets(self, request: WebhookRequest) -> Iterator[bytes]:
        header = request.header(self.options.secret_header)
        if header is not None:
            yield octets(header)
        if self._secret_parameter:
            yield from find_parameter(request, self._secret_parameter)


def _says_nothing(value: JsonValue) -> bool:
    return value is None or (isinstance(value, str) and value.strip().lower() in _NOTHING)


def _warnings(parameters: Parameters) -> Iterator[str]:
    literal = [
        name
        for name, value in parameters.values.items()
        if isinstance(value, str) and "{" in value and _PLACEHOLDER.search(value)
    ]
    if literal:
        yield (
            f"GetCourse did not replace the placeholder of {_listed(literal)}; check its spelling in GetCourse, and "
            "that its braces are { and }, not %7B and %7D."
        )
    if parameters.repeated:
        yield f"Several values came for {_listed(sorted(parameters.repeated))}; the last one was kept."


def _listed(names: Collection[str]) -> str:
    shown = ", ".join(reprlib.repr(name) for name in list(names)[:_NAMES_SHOWN])
    return f"{len(names)} parameters, {shown} among them" if len(names) > _NAMES_SHOWN else shown


def _as_text(value: JsonValue) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else to_json(value).decode()
