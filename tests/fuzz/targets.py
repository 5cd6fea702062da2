"""What is fuzzed: each target reads bytes that a stranger may send, and raises only if something is wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from io import StringIO
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import typer
from pydantic_core import from_json, to_json

from jackfield import Malformed, Unauthorized, WebhookRequest, WebhookSource
from jackfield.cli.curl.import_curl import import_curl
from jackfield.components.plugins.registry import Registry
from jackfield.errors import TemplateError
from jackfield.pipelines.editing.drafts import Draft
from jackfield.pipelines.loader import PipelineLoader
from jackfield.project.secrets import Secrets
from jackfield.project.toml_edit import CannotEdit
from jackfield.templates.engine import TemplateEngine
from jackfield_getcourse.callback import CallbackOptions
from jackfield_getcourse.orders import OrderCreated
from jackfield_getcourse.user_created import UserCreated
from jackfield_webhook.generic import Generic, GenericOptions
from jackfield_webhook.tilda import Tilda, TildaOptions

Try: TypeAlias = Callable[[bytes], None]

BETWEEN: Final = b"\0"
"""What stands between the parts of an input that has several."""

_KINDS: Final = (
    "application/json",
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=windows-1251",
    "text/plain; charset=utf-7",
    "text/plain; charset=utf-16",
    "application/octet-stream",
    "",
)
_SECRETS: Final[Mapping[str, str]] = MappingProxyType({"standard": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
_HEADERS: Final = (
    "x-hub-signature-256",
    "x-shopify-hmac-sha256",
    "x-slack-signature",
    "x-slack-request-timestamp",
    "webhook-signature",
    "webhook-timestamp",
    "webhook-id",
    "stripe-signature",
    "x-gitlab-token",
    "authorization",
)
_PIPELINE: Final = '[source]\nuse = "webhook.generic"\nverify = "none"\n\n[[steps]]\nuse = "compose.text"\ntext = "x"\n'
_HTTP_PIPELINE: Final = """\
[source]
use = "getcourse.user_created"
dedupe = "{{ $.event.`sub(/a/, b)` }}"
[[steps]]
use = "http_request"
url = "https://a.example/{{ $.event.id }}"
"""


@dataclass(frozen=True, slots=True)
class Target:
    """One reader of hostile bytes.

    `prepare` makes the function that is tried, with whatever it needs. `seeds` are inputs to begin with, `words` pieces
    that the fuzzer may put in. One input may take `longest` seconds of processor time.
    """

    prepare: Callable[[], Try]
    seeds: Sequence[bytes]
    words: Sequence[str] = ()
    longest: float = 0.1


def _parse(source: WebhookSource[Any], request: WebhookRequest) -> None:
    with suppress(Malformed):
        for event in source.parse(request):
            to_json(event.data)


def _generic(**options: Any) -> Generic:
    return Generic(GenericOptions.model_validate({"verify": "none", **options}))


def _body() -> Try:
    sources: Sequence[WebhookSource[Any]] = (
        _generic(),
        _generic(query="apart", charset="windows-1251"),
        _generic(split="$.items[*]"),
        Tilda(TildaOptions.model_validate({})),
    )

    def attempt(data: bytes) -> None:
        choice, body = data[:1] or b"\0", data[1:]
        kind = _KINDS[choice[0] % len(_KINDS)]
        source = sources[choice[0] // len(_KINDS) % len(sources)]
        _parse(source, WebhookRequest(headers=(("content-type", kind),), body=body))

    return attempt


def _query() -> Try:
    sources = (
        _generic(methods=["GET", "POST"]),
        UserCreated(CallbackOptions()),
        OrderCreated(CallbackOptions()),
    )

    def attempt(data: bytes) -> None:
        source = sources[(data[:1] or b"\0")[0] % len(sources)]
        request = WebhookRequest("GET", query=data[1:].decode("latin-1"))
        with suppress(Unauthorized):
            source.verify(request)
        _parse(source, request)

    return attempt


def _of_kind(kind: str) -> Callable[[], Try]:
    def prepare() -> Try:
        source = _generic()

        def attempt(data: bytes) -> None:
            _parse(source, WebhookRequest(headers=(("content-type", kind),), body=data))

        return attempt

    return prepare


def _multipart() -> Try:
    source = _generic()

    def attempt(data: bytes) -> None:
        head, _, body = data.partition(BETWEEN)
        kind = f"multipart/form-data{head.decode('latin-1')}"
        _parse(source, WebhookRequest(headers=(("content-type", kind),), body=body))

    return attempt


def _signature() -> Try:
    presets = ("github", "shopify", "slack", "standard", "stripe", "gitlab")
    sources = [
        _generic(verify={"preset": name, "secret": _SECRETS.get(name, "an example of a secret")}) for name in presets
    ]
    sources.append(_generic(verify={"token": "an example", "user": "school"}))
    sources.append(_generic(verify={"token": "an example", "query": "key"}))

    def attempt(data: bytes) -> None:
        *values, body = data.split(BETWEEN)
        headers = tuple(zip(_HEADERS, (value.decode("latin-1") for value in values), strict=False))
        request = WebhookRequest(query=body.decode("latin-1"), headers=headers, body=body)
        for source in sources:
            with suppress(Unauthorized):
                source.verify(request)

    return attempt


def _document(text: bytes) -> Mapping[str, Any]:
    with suppress(ValueError):
        found = from_json(text)
        return {"event": found}
    return {"event": {"name": "Анна", "items": [{"n": 1}, {"n": 2, "tags": ["a", "b"]}]}}


def _rendered(before: str, after: str) -> Try:
    engine = TemplateEngine({"KEY": "an example of a secret"}, Registry.load().filters)

    def attempt(data: bytes) -> None:
        text, _, event = data.partition(BETWEEN)
        with suppress(TemplateError):
            template = engine.compile(f"{before}{text.decode('utf-8', 'replace')}{after}", "steps[0].url")
            to_json(template.render(_document(event)))

    return attempt


def _curl() -> Try:
    def attempt(data: bytes) -> None:
        if data == b"-":  # standard input
            return
        with suppress(typer.BadParameter), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            import_curl(data.decode("utf-8", "surrogateescape"))

    return attempt


def _toml_edit() -> Try:
    def attempt(data: bytes) -> None:
        text, _, change = data.partition(BETWEEN)
        names, _, value = change.decode("utf-8", "replace").partition("=")
        path = tuple(int(name) if name.isdecimal() and len(name) < 3 else name for name in names.split("."))
        draft = Draft("x", text.decode("utf-8", "replace") or _PIPELINE)
        if draft.data() is None:
            return
        edits: Sequence[Callable[[], Draft]] = (
            lambda: draft.put(path, value),
            lambda: draft.put(path, {"a": [value]}),
            lambda: draft.drop(path),
            lambda: draft.rename(path, value),
            lambda: draft.with_step(value),
        )
        for edit in edits:
            try:
                changed = edit().text
            except (CannotEdit, ValueError):
                continue
            tomllib.loads(changed)

    return attempt


def _pipeline() -> Try:
    loader = PipelineLoader(Registry.load(), Secrets({}))

    def attempt(data: bytes) -> None:
        for problem in Draft("x", data.decode("utf-8", "replace")).problems(loader):
            str(problem)

    return attempt


def _strings(texts: Iterable[str]) -> Sequence[bytes]:
    return tuple(text.encode() for text in texts)


_TO_COMPILE: Final = 3
"""Seconds for a file or a template as a whole: the host compiles them off its event loop, once."""
_BOUNDARY: Final = b"; boundary=x\0--x\r\ncontent-disposition: form-data; name="
TARGETS: Final[Mapping[str, Target]] = MappingProxyType(
    {
        "webhook_body": Target(
            _body,
            (
                b'\0{"email": "a@b.ru", "items": [{"n": 1}, null, 1e400]}',
                b"\x01email=a%40b.ru&a[b][0]=1&a[b][]=2",
                b"\x02name=%C0%ED%ED%E0",
                b"\x04\xff\xfea\0",
                b"\x06<a/>",
                b'\x0e{"items": [1, {"a": 2}]}',
            ),
            ("[]", "%", "&", "true", "1e309", "\\ud800", "[[[[", '{"a":'),
        ),
        "webhook_query": Target(
            _query,
            _strings(["1id=7&email=a@b.ru&first_name=%D0%90", "2id={object.id}&phone=", "0a[b][c]=1&a=2;b=3&%zz=%"]),
            ("{object.", "id=", "user_id=", "cost_money=", "%D0", "[]", "custom_"),
        ),
        "signature": Target(
            _signature,
            (
                b"sha256=" + b"0" * 64 + BETWEEN + b"AAAA" + BETWEEN + b"v0=00" + BETWEEN + b"1" + BETWEEN + b"{}",
                BETWEEN * 4 + b"v1,AAAA v1a,AAAA v1,=" + BETWEEN + b"1700000000" + BETWEEN + b"id" + BETWEEN + b"{}",
                BETWEEN * 7 + b"t=1,v1=00,v1=zz,v0=1" + BETWEEN + b"{}",
                BETWEEN * 9 + b"Basic c2Nob29sOmFu" + BETWEEN + b"key=an%20example",
            ),
            ("sha256=", "v1,", "v1a,", "t=", "v0=", "Basic ", "Bearer ", "whsec_", "key="),
        ),
        "multipart": Target(
            _multipart,
            (
                _BOUNDARY + b'"a"\r\n\r\n1\r\n--x--',
                _BOUNDARY + b'"f"; filename="a.txt"\r\ncontent-type: text/plain; charset=koi8-r\r\n\r\n\xc1\r\n--x--',
                _BOUNDARY + b'"a[b]"\r\ncontent-transfer-encoding: base64\r\n\r\n1\r\n--x\r\n\r\n--x--',
                b'; boundary="--"\0----\r\n\r\n----',
            ),
            ("--x", "--x--", "\r\n", "boundary=", "filename*=utf-8''", "content-disposition:", "name="),
        ),
        "xml": Target(
            _of_kind("application/xml"),
            _strings(
                [
                    "<a><b x='1'>t</b><b/></a>",
                    '<?xml version="1.0" encoding="windows-1251"?><a>&#x41;&amp;</a>',
                    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
                    "<n:a xmlns:n='u'><![CDATA[x]]><!-- y --></n:a>",
                ]
            ),
            ("<!ENTITY", "<!DOCTYPE", "<![CDATA[", "]]>", "<?xml", "encoding=", "&#", "xmlns:", "</a>"),
        ),
        "jsonpath": Target(
            lambda: _rendered("{{ $.event", " }}"),
            _strings(
                [
                    ".items[*].n",
                    "..tags[0:2:1]",
                    ".items[?(@.n > 1 && @.tags)]",
                    ".name.`sub(/а(.)/, \\\\1)`",
                    ".items.`len`",
                    ".items[\\n, /tags]",
                    "['a'][?(@ =~ 'x+')]\0{\"a\": [\"xxx\"]}",
                ]
            ),
            ("[*]", "..", "[?(@.", "=~", "`sub(/", "`split(", "`sorted`", "`parent`", "$.event", "[0:9:2]", "..a"),
            longest=_TO_COMPILE,
        ),
        "template": Target(
            lambda: _rendered("", ""),
            _strings(
                [
                    "{{ $.event.name | upper | replace('А', 'б') }}",
                    "{% for item in $.event.items %}{{ item.n * 2 ** 3 }}{% endfor %}",
                    "{% macro m(a) %}{{ a ~ 'x' * 3 }}{% endmacro %}{{ m(1) }}",
                    "{{ range(10) | list | batch(3) | map('join') | list }}",
                    "{% set x = namespace(a=1) %}{% if x.a is odd %}{{ '%05d' % x.a }}{% endif %}",
                    "{{ $.event.phone | default('+7 905') | phone }}{{ secret.KEY[::-1] }}",
                    "{{ 'a'.join(['b'] * 9).center(50) | wordwrap(3) }}",
                    "{{'a'.joi~ in ().centd }}",
                ]
            ),
            ("{{", "}}", "{%", "%}", "for", " in ", "range(", "* ", "** ", "|", "join", "format", "%", "$.event", "_"),
            longest=_TO_COMPILE,
        ),
        "curl": Target(
            _curl,
            _strings(
                [
                    "curl -X POST 'https://a.example/b?c=d' -H 'Authorization: Bearer x' -d '{\"a\": 1}'",
                    "curl https://u:p@a.example -F 'f=@x;type=text/plain' -F a=b --compressed -b s=1",
                    "curl -u 'key:' --data-urlencode 'a=б' -G http://a.example \\\n -x http://proxy:1",
                    "curl $'https://a.example/\\u0041' ^\n --data-raw ^\"x^\"",
                ]
            ),
            ("curl ", "-H ", "-d ", "-F ", "--data-urlencode ", "$'", "\\\n", '^"', "-u ", "--json ", "https://"),
        ),
        "toml_edit": Target(
            _toml_edit,
            (
                _PIPELINE.encode() + b"\0steps.0.text=b",
                b'a = { b = 1 } # c\n[d]\ne = """\nf"""\n[[g]]\nh = [1, # i\n2]\n\0d.e=x',
                b"[a.b]\nc = 1\n[a]\nd = 2\n\0a.d=2",
            ),
            ("[[", "]]", "[steps.", '"""', "'''", "= {", "}", "#", "1979-05-27", "inf", "0x"),
            longest=5,  # five edits; tomlkit reads some 0.5 MB a second, and the host edits off its event loop
        ),
        "pipeline": Target(
            _pipeline,
            _strings(
                [
                    _PIPELINE,
                    _PIPELINE + 'mask = ["$.event.a"]\n',
                    'order_by = "{{ $.event.id }}"\n' + _PIPELINE + 'when = "{{ $.event.items[?(@.a)] }}"\n',
                    _HTTP_PIPELINE,
                ]
            ),
            ("[source]", "[[steps]]", "use = ", "{{ $.event", "}}", "retry = {", "mask = [", "dedupe = ", "url = "),
            longest=_TO_COMPILE,
        ),
    }
)
"""Each target by its name."""
