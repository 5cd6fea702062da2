import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jackfield import Unauthorized, WebhookRequest
from jackfield.testing import SourceContract
from jackfield_webhook.generic import Generic, GenericOptions
from jackfield_webhook.tilda import Tilda

STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VERIFY = [
    *({"preset": name, "secret": "s3cret-é"} for name in ("github", "shopify", "slack", "stripe")),
    *({"preset": name, "secret": "s3cret"} for name in ("gitlab", "telegram")),
    *({"preset": name, "secret": STANDARD} for name in ("standard", "svix")),
    {"token": "t0ken", "query": "key"},
    {"token": "t0ken", "user": "anna"},
    {
        "header": "X-Sign",
        "secret": "s",
        "signed": "{id}:{timestamp}:{body}",
        "timestamp_header": "X-T",
        "id_header": "X-I",
    },
]


class TestGeneric(SourceContract):
    source = Generic
    options = {"verify": "none"}
    values = {"имя": "Анна", "n": [1, {"a": None}]}


class TestGenericWithAToken(SourceContract):
    source = Generic
    options = {"verify": {"token": "t0ken", "header": "X-Token"}, "cors": ["https://school.ru"]}


class TestGenericWithATokenInTheQuery(SourceContract):
    source = Generic
    options = {"verify": {"token": "t0ken", "query": "Key"}, "methods": ["GET"]}
    values = {"имя": "Анна"}


class TestGenericOfGitHub(SourceContract):
    source = Generic
    options = {"verify": {"preset": "github", "secret": ["s3cret-new", "s3cret-old"]}}


class TestGenericOfTelegram(SourceContract):
    source = Generic
    options = {"verify": {"preset": "telegram", "secret": "s3cret"}}
    values = {"update_id": 7}


class TestGenericOfStandardWebhooks(SourceContract):
    source = Generic
    options = {"verify": {"preset": "standard", "secret": STANDARD}}


class TestTilda(SourceContract):
    source = Tilda


class TestTildaWithASecret(SourceContract):
    source = Tilda
    options = {"secret": "s3cret+/="}


class TestTildaWithASecretInAHeader(SourceContract):
    source = Tilda
    options = {"secret": "s3cret", "secret_parameter": ""}


@pytest.mark.parametrize("verify", VERIFY)
def test_a_sample_of_every_kind_is_let_in_and_one_that_was_tampered_with_is_not(verify: object) -> None:
    source = Generic(GenericOptions.model_validate({"verify": verify}))
    request = source.sample({"a": 1})
    source.verify(request)
    with pytest.raises(Unauthorized):
        source.verify(WebhookRequest(headers=(), body=request.body))


def test_a_public_key_checks_and_cannot_sign() -> None:
    private = Ed25519PrivateKey.generate()
    public = "whpk_" + base64.b64encode(private.public_key().public_bytes_raw()).decode()
    source = Generic(GenericOptions.model_validate({"verify": {"preset": "standard", "secret": public}}))
    request = source.sample({"a": 1})
    with pytest.raises(Unauthorized):
        source.verify(request)
    id, timestamp = request.header("webhook-id"), request.header("webhook-timestamp")
    shown = base64.b64encode(private.sign(f"{id}.{timestamp}.".encode() + request.body)).decode()
    signed = WebhookRequest(
        headers=(*request.headers, ("webhook-signature", f"v1,eA== v1a,{shown}")), body=request.body
    )
    source.verify(signed)
    with pytest.raises(Unauthorized, match="does not fit the body"):
        source.verify(WebhookRequest(headers=signed.headers, body=b"{}"))
