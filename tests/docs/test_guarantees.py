import re

import pytest

from tests.docs.markdown import ROOT

TEXT = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
PROMISES = TEXT.split("\n## ")[1:]
PROOF = re.compile(r"\[`(test_\w+)`\]\(\.\./(tests/[\w/]+\.py)\)")


@pytest.mark.parametrize("promise", PROMISES, ids=lambda text: text.partition("\n")[0])
def test_every_promise_names_tests_that_exist(promise: str) -> None:
    proofs = PROOF.findall(promise)
    assert proofs, "a promise without a test"
    for test, file in proofs:
        assert re.search(rf"^def {test}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), f"{file}: {test}"


def test_every_test_that_is_named_is_linked() -> None:
    assert TEXT.count("`test_") == len(PROOF.findall(TEXT))
