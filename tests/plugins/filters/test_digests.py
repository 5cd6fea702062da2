import pytest

from jackfield_filters.digests import EmptyKeyError, UnknownAlgorithmError, digest, sign


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [  # FIPS 180-4 and RFC 1321: the digests of "abc"
        ("md5", "900150983cd24fb0d6963f7d28e17f72"),
        ("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ],
)
def test_a_hash_is_the_standards(algorithm: str, expected: str) -> None:
    assert digest("abc", algorithm) == expected


def test_a_signature_is_the_standards() -> None:  # RFC 4231, test case 2
    message = "what do ya want for nothing?"
    assert sign(message, "Jefe") == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert sign(message, "Jefe", "sha512").startswith(
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
    )


def test_the_result_may_be_base64() -> None:
    assert digest("abc", encoding="base64") == "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
    assert digest("", "md5", "base64") == "1B2M2Y8AsgTpgAmY7PhCfg=="


@pytest.mark.parametrize(("algorithm", "encoding"), [("sha257", "hex"), ("shake_128", "hex"), ("sha256", "base32")])
def test_an_unknown_algorithm_or_encoding_is_refused(algorithm: str, encoding: str) -> None:
    with pytest.raises(UnknownAlgorithmError, match="must be"):
        digest("abc", algorithm, encoding)
    with pytest.raises(UnknownAlgorithmError, match="must be"):
        sign("abc", "key", algorithm, encoding)


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(EmptyKeyError):
        sign("abc", "")
