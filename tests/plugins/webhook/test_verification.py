from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe
import svix.webhooks as svix
from slack_sdk.signature import SignatureVerifier
from standardwebhooks import Webhook

from jackfield import Unauthorized, WebhookRequest, WebhookSource, hookimpl
from jackfield.journal.views import Query
from jackfield.runs.replay import Replays
from jackfield_webhook import generic, tilda
from jackfield_webhook.generic import Generic, GenericOptions
from tests.support import Plugin, hook, serve, steps

BODY = b'{"id":"evt_1","object":"event"}'
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STANDARD_HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v2,x v1,eA== v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
SVIX_HEADERS = {name.replace("webhook", "svix"): value for name, value in STANDARD_HEADERS.items()}
STRIPE = "4c15fb2a43f93ef61eaa3e0893866d57cad9cad4223242cfb96f362480cb4021"
GITHUB = "1b2c16b75bd2a870c114153ccda5bcfca63314bc722fa160d690de133ccbb9db"
HELLO = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
SLACK_BODY = (  # the example of Slack's page "Verifying requests from Slack"
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SLACK_HEADERS = {
    "content-type": "application/x-www-form-urlencoded",
    "x-slack-request-timestamp": "1531420618",
    "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}
VECTORS: list[tuple[str, str, dict[str, str], bytes, int]] = [
    ("github", "secret", {"x-hub-signature-256": f"sha256={GITHUB}"}, b"data", 0),
    ("github", "It's a Secret to Everybody", {"x-hub-signature-256": f"sha256={HELLO}"}, b"Hello, World!", 0),
    ("standard", WHSEC, STANDARD_HEADERS, b'{"test": 2432232314}', 1614265330),
    ("svix", WHSEC, SVIX_HEADERS, b'{"test": 2432232314}', 1614265330),
    ("stripe", "whsec_test", {"stripe-signature": f"t=1700000000,v1=00,v1={STRIPE},v0=1"}, BODY, 1700000000),
    ("slack", "8f742231b10e8888abcd99yyyzzz85a5", SLACK_HEADERS, SLACK_BODY, 1531420618),
    ("shopify", "shpss_test", {"x-shopify-hmac-sha256": "6LKGAyoBVsBDBXyUS2csqHfQfn+heUM9G/ppsoTRMxQ="}, BODY, 0),
]  # fmt: skip


class Webhooks(Plugin):
    """The plugin of the tests, with the sources of this one."""

    @hookimpl
    def register_sources(self) -> list[type[WebhookSource[Any]]]:
        return [generic.Generic, tilda.Tilda]


def source(**options: Any) -> Generic:
    return Generic(GenericOptions.model_validate(options))


def request(headers: dict[str, str], body: bytes, at: int) -> WebhookRequest:
    return WebhookRequest(headers=tuple(headers.items()), body=body, received_at=datetime.fromtimestamp(at, UTC))


@pytest.mark.parametrize(("preset", "secret", "headers", "body", "at"), VECTORS)
def test_a_senders_own_signature_is_let_in_and_nothing_else(
    preset: str, secret: str, headers: dict[str, str], body: bytes, at: int
) -> None:
    made = source(verify={"preset": preset, "secret": ["b3RoZXI=", secret]})
    made.verify(request(headers, body, at + 300))
    with pytest.raises(Unauthorized, match="does not fit the body") as refused:
        made.verify(request(headers, body + b" ", at))
    assert STRIPE not in str(refused.value)
    if at:
        with pytest.raises(Unauthorized, match=r"signed 1:00:00 ago, and 0:05:00 are allowed"):
            made.verify(request(headers, body, at + 3600))
        with pytest.raises(Unauthorized, match="in the future"):
            made.verify(request(headers, body, at - 301))


def test_the_vendors_libraries_let_our_samples_in() -> None:
    sample = source(verify={"preset": "standard", "secret": WHSEC}).sample({"имя": "Анна"})
    assert Webhook(WHSEC).verify(sample.body, dict(sample.headers)) == {"имя": "Анна"}
    sample = source(verify={"preset": "svix", "secret": WHSEC}).sample({"имя": "Анна"})
    svix.Webhook(WHSEC).verify(sample.body, dict(sample.headers))
    sample = source(verify={"preset": "stripe", "secret": "whsec_x"}).sample({"имя": "Анна"})
    shown = sample.header("stripe-signature")
    assert shown is not None
    assert stripe.WebhookSignature.verify_header(sample.body.decode(), shown, "whsec_x", 300)
    sample = source(verify={"preset": "slack", "secret": "s"}).sample({"имя": "Анна"})
    assert SignatureVerifier("s").is_valid_request(sample.body, dict(sample.headers))


@pytest.mark.parametrize(
    "verify",
    [
        "all",
        {},
        {"preset": "github", "secret": ""},
        {"preset": "github", "secret": []},
        {"preset": "standard", "secret": "whsec_?"},
        {"preset": "standard", "secret": "whpk_YQ=="},
        {"token": "t"},
        {"token": "t", "header": ""},
        {"token": "t", "header": "a", "query": "b"},
        {"header": "x", "secret": "s", "signed": "{timestamp}"},
        {"header": "x", "secret": "s", "signed": "{url}{body}"},
        {"header": "x", "secret": "s", "signed": "{timestamp}.{body}"},
    ],
)
def test_a_verification_that_would_keep_nobody_out_or_cannot_work_is_refused(verify: object) -> None:
    with pytest.raises(ValueError, match="validation error"):
        source(verify=verify)
    with pytest.raises(ValueError, match="Field required"):
        source()


def test_a_token_may_come_after_bearer() -> None:
    made = source(verify={"token": ["old", "new"], "header": "Authorization"})
    made.verify(request({"authorization": "Bearer new"}, b"", 0))
    with pytest.raises(Unauthorized, match="is wrong"):
        made.verify(request({"authorization": "Bearer é"}, b"", 0))


def test_split_makes_events_with_a_key_each() -> None:
    made = source(verify={"preset": "github", "secret": "s"}, split="$.items[*]")
    events = list(made.parse(request({"x-github-delivery": "d"}, b'{"items": [{"a": ""}, 2]}', 0)))
    assert [(event.data, event.blank, event.key) for event in events] == [
        ({"a": ""}, frozenset({"a"}), "d/0"),
        ({"value": 2}, frozenset(), "d/1"),
    ]


@pytest.mark.parametrize(
    ("options", "headers", "body", "key"),
    [
        ({"verify": {"preset": "stripe", "secret": "s"}}, {}, BODY, "evt_1"),
        ({"verify": {"preset": "telegram", "secret": "s"}}, {}, b'{"update_id": 7}', "7"),
        ({"verify": {"preset": "svix", "secret": WHSEC}}, {"svix-id": "m"}, b"{}", "m"),
        ({"verify": {"preset": "svix", "secret": WHSEC}, "delivery_id": "off"}, {"svix-id": "m"}, b"{}", None),
        ({"verify": "none", "delivery_id": "X-Id"}, {"x-id": "m"}, b"{}", "m"),
        ({"verify": "none"}, {"webhook-id": "m"}, b"{}", None),
    ],
)
def test_the_delivery_id_is_the_events_key(options: Any, headers: dict[str, str], body: bytes, key: str | None) -> None:
    [event] = source(**options).parse(request(headers, body, 0))
    assert event.key == key


def test_tildas_probe_is_no_event_and_tranid_is_the_key() -> None:
    made = tilda.Tilda(tilda.TildaOptions())
    assert list(made.parse(WebhookRequest(body=b"test=test"))) == []
    [event] = made.parse(WebhookRequest(body=b"Name=A&Email=&tranid=1:2"))
    assert (event.data["Name"], event.blank, event.key) == ("A", frozenset({"Email"}), "1:2")


def test_refused_calls_are_journalled_with_their_reason_and_can_be_accepted_and_repeats_are_duplicates(
    tmp_path: Path,
) -> None:
    verify = f'verify = {{ preset = "standard", secret = "{WHSEC}" }}'
    pipeline = steps('do = "say"', source=f'use = "webhook.generic"\n{verify}\ncors = ["https://school.ru"]')
    plugin = Webhooks()
    good = source(verify={"preset": "standard", "secret": WHSEC}).sample({"n": 1})
    old = Webhook(WHSEC).sign("m", datetime.now(UTC) - timedelta(hours=1), '{"n":1}')
    stale = {"webhook-id": "m", "webhook-signature": old}
    stale["webhook-timestamp"] = str(int((datetime.now(UTC) - timedelta(hours=1)).timestamp()))

    async def main() -> None:
        async with serve(tmp_path, {"x": pipeline}, plugin) as served, httpx.AsyncClient(trust_env=False) as client:
            url, host = hook(served), served.host
            origin = {"origin": "https://school.ru"}
            for _ in range(2):
                assert (await client.post(url, content=good.body, headers=dict(good.headers))).status_code == 200
            bad = await client.post(url, content=b"{}", headers=dict(good.headers) | origin)
            assert (bad.status_code, bad.headers["access-control-allow-origin"]) == (401, "https://school.ru")
            assert (await client.post(url, content=b'{"n":1}', headers=stale)).status_code == 401
            large = b'{"n":"' + b"x" * 1_000_000 + b'"}'
            assert (await client.post(url, content=large, headers=dict(good.headers))).status_code == 413
            asked = {**origin, "access-control-request-headers": "content-type, x-a"}
            preflight = await client.options(url, headers=asked)
            assert preflight.status_code == 204
            assert preflight.headers["access-control-allow-headers"] == "content-type, x-a"
            assert (
                "access-control-allow-origin" not in (await client.options(url, headers={"origin": "http://x"})).headers
            )
            [run] = (await host.journal.search(Query())).runs
            view = await host.journal.run(run.id)
            assert view is not None
            assert len(view.duplicates) == 1
            refusals = await host.journal.refusals()
            assert sorted(refusal.status for refusal in refusals) == [401, 401, 413]
            operations = Replays(host.journal, host.intake, host.pipelines.get, host.intake.now)
            [late] = [refusal for refusal in refusals if "ago" in refusal.reason]
            [wrong] = [refusal for refusal in refusals if "does not fit the body" in refusal.reason]
            [long] = [refusal for refusal in refusals if "body_limit" in refusal.reason]
            for refusal in (late, wrong, long):
                assert len(await operations.replay(refusal.id)) == 1

    asyncio.run(main())
