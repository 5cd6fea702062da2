import errno
import json
import stat
import threading
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from jackfield.access.json_file import VarFile
from jackfield.access.users import InvalidUser, InvalidUserReason, Role, Users
from jackfield.errors import ConfigurationError

PASSWORD = "correct horse battery"


@pytest.fixture
def users(tmp_path: Path) -> Users:
    return Users(tmp_path / "var")


def refusal(users: Users, name: str, password: str = PASSWORD) -> InvalidUserReason:
    with pytest.raises(InvalidUser) as refused:
        users.add(name, password, Role.VIEWER)
    return refused.value.reason


def test_a_user_is_let_in_with_the_password_and_with_no_other(users: Users) -> None:
    users.add("Анна", PASSWORD, Role.OPERATOR)
    found = users.verified("Анна", PASSWORD)
    assert found is not None
    assert (found.name, found.role) == ("Анна", Role.OPERATOR)
    assert users.verified("Анна", PASSWORD + "!") is None
    assert users.verified("anna", PASSWORD) is None


def test_the_file_is_its_owners_alone_and_holds_no_password(users: Users, tmp_path: Path) -> None:
    users.add("anna", PASSWORD, Role.OPERATOR)
    file = tmp_path / "var" / "users.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert PASSWORD not in file.read_text(encoding="utf-8")
    assert {path.name for path in file.parent.iterdir()} == {"users.json", "users.lock"}


@pytest.mark.parametrize("name", ["", " anna", "anna ", "../x", "a/b", "<b>", "a\nb", "-rf", "a" * 65, "a\0"])
def test_a_name_is_plain(users: Users, name: str) -> None:
    assert refusal(users, name) is InvalidUserReason.NAME


def test_a_password_is_neither_short_nor_endless(users: Users) -> None:
    long = "correct horse battery" * 100
    assert refusal(users, "anna", long[:9]) is InvalidUserReason.PASSWORD
    assert refusal(users, "anna", long[:1001]) is InvalidUserReason.PASSWORD
    users.add("anna", long[:1000], Role.VIEWER)
    assert users.verified("anna", long[:1000]) is not None
    assert users.verified("anna", long[:1001]) is None


def test_a_password_that_is_guessed_first_is_refused(users: Users) -> None:
    assert refusal(users, "anna", "Password123!") is InvalidUserReason.COMMON
    assert refusal(users, "anna.petrova", "anna.petrova1") is InvalidUserReason.OWN_NAME
    users.add("anna", PASSWORD, Role.VIEWER)
    with pytest.raises(InvalidUser, match="many people have this password"):
        users.set_password("anna", "qwertyuiop")


def test_a_name_is_given_once(users: Users) -> None:
    users.add("anna", PASSWORD, Role.OPERATOR)
    assert refusal(users, "anna", "another password") is InvalidUserReason.TAKEN
    assert users.verified("anna", PASSWORD) is not None


def test_only_one_of_many_at_once_becomes_the_first(users: Users, tmp_path: Path) -> None:
    refused: list[InvalidUserReason] = []

    def try_it(name: str) -> None:
        try:
            Users(tmp_path / "var").add(name, PASSWORD, Role.OPERATOR, first=True)
        except InvalidUser as error:
            refused.append(error.reason)

    threads = [threading.Thread(target=try_it, args=(f"u{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(users.all()) == 1
    assert refused == [InvalidUserReason.NOT_FIRST] * 3


def test_no_change_of_several_at_once_is_lost(users: Users, tmp_path: Path) -> None:
    def add(name: str) -> None:
        Users(tmp_path / "var").add(name, PASSWORD, Role.VIEWER)

    threads = [threading.Thread(target=add, args=(f"u{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(users.all()) == 6


def test_the_last_operator_stays(users: Users) -> None:
    users.add("anna", PASSWORD, Role.OPERATOR)
    users.add("vera", PASSWORD, Role.VIEWER)
    for change in (lambda: users.remove("anna"), lambda: users.set_role("anna", Role.VIEWER)):
        with pytest.raises(InvalidUser) as refused:
            change()
        assert refused.value.reason is InvalidUserReason.LAST
    users.remove("vera")
    with pytest.raises(InvalidUser):
        users.remove("anna")
    users.remove("anna", even_last=True)
    assert users.all() == []


def test_a_viewer_may_go_even_if_there_is_no_operator(users: Users) -> None:
    users.add("vera", PASSWORD, Role.VIEWER)
    users.set_password("vera", "another password")
    users.remove("vera")
    assert users.all() == []


@pytest.mark.parametrize("change", ["set_password", "set_role", "end_sessions", "remove"])
def test_nobody_can_be_changed_who_is_not_there(users: Users, change: str) -> None:
    given = {"set_password": (PASSWORD,), "set_role": (Role.VIEWER,)}.get(change, ())
    with pytest.raises(InvalidUser) as refused:
        getattr(users, change)("nobody", *given)
    assert refused.value.reason is InvalidUserReason.UNKNOWN


def test_a_generation_never_comes_back(users: Users) -> None:
    seen = {users.add("anna", PASSWORD, Role.OPERATOR).generation}
    seen.add(users.set_password("anna", "another password").generation)
    seen.add(users.end_sessions("anna").generation)
    users.remove("anna", even_last=True)
    seen.add(users.add("anna", PASSWORD, Role.OPERATOR).generation)
    assert len(seen) == 4
    assert users.set_role("anna", Role.OPERATOR).generation in seen, "a role ends no session: it counts at once"


def test_what_another_process_has_changed_is_seen(users: Users, tmp_path: Path) -> None:
    assert users.get("anna") is None
    Users(tmp_path / "var").add("anna", PASSWORD, Role.OPERATOR)
    assert users.get("anna") is not None
    Users(tmp_path / "var").remove("anna", even_last=True)
    assert users.get("anna") is None


def test_a_name_that_nobody_has_takes_the_same_work(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    users.add("anna", PASSWORD, Role.OPERATOR)
    hashes: list[str] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, hash: str, password: str) -> bool:
        hashes.append(hash)
        return verify(self, hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    assert users.verified("anna", "wrong") is users.verified("nobody", "wrong") is None
    known, unknown = (hash.split("$") for hash in hashes)
    assert known[:4] == unknown[:4], "kind, version, memory, rounds, lanes"
    assert [len(part) for part in known[4:]] == [len(part) for part in unknown[4:]], "salt and digest"


def test_a_hash_of_earlier_settings_is_renewed_at_the_next_login(users: Users, tmp_path: Path) -> None:
    users.add("anna", PASSWORD, Role.OPERATOR)
    file = tmp_path / "var" / "users.json"
    rows = json.loads(file.read_text(encoding="utf-8"))
    rows["users"][0]["password"] = weak = PasswordHasher(time_cost=1, memory_cost=64).hash(PASSWORD)
    file.write_text(json.dumps(rows), encoding="utf-8")
    assert Users(tmp_path / "var").verified("anna", PASSWORD) is not None
    found = Users(tmp_path / "var").get("anna")
    assert found is not None
    assert found.password != weak
    assert found.generation == rows["users"][0]["generation"], "which ends no session"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"users": 1}', '{"users": [1]}', '{"users": [{"name": "x"}]}'])
def test_a_damaged_file_lets_nobody_in_and_says_what_to_do(users: Users, tmp_path: Path, text: str) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "users.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"var/users\.json: is damaged; put its copy back"):
        users.all()


def test_a_full_disk_keeps_nobody_out_whose_hash_is_an_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users, file = Users(tmp_path), tmp_path / "users.json"
    users.add("anna", PASSWORD, Role.OPERATOR)
    rows = json.loads(file.read_text(encoding="utf-8"))
    rows["users"][0]["password"] = PasswordHasher(time_cost=1, memory_cost=64).hash(PASSWORD)
    file.write_text(json.dumps(rows), encoding="utf-8")

    def full(self: VarFile, rows: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(VarFile, "write", full)
    assert users.verified("anna", PASSWORD) is not None
    assert users.verified("anna", "something else") is None
