import asyncio
from collections.abc import Callable

from structlog.testing import capture_logs

from jackfield.errors import JournalDamaged
from jackfield.host.housekeeping import Housekeeping


class Watch:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def _fails(error: Exception) -> Callable[[], asyncio.Future[None]]:
    def work() -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_exception(error)
        return future

    return work


def test_an_error_of_the_journal_that_lasts_is_one_line_without_a_traceback_each_ten_minutes() -> None:
    async def main() -> None:
        watch = Watch()
        housekeeping = Housekeeping(watch)
        damaged = _fails(JournalDamaged("journal.db: the file is damaged"))
        with capture_logs() as lines:
            for _ in range(500):
                await housekeeping.attempt("audit", damaged())
                await housekeeping.attempt("prune", damaged())
                watch.now += 1
        (line,) = lines
        assert (line["work"], line["error"]) == ("audit", "journal.db: the file is damaged")
        assert "exc_info" not in line
        watch.now += 100
        with capture_logs() as lines:
            await housekeeping.attempt("audit", damaged())
            await housekeeping.attempt("audit", _fails(JournalDamaged("another file"))())
        assert [line["error"] for line in lines] == ["journal.db: the file is damaged", "another file"]

    asyncio.run(main())


def test_an_unknown_fault_has_its_traceback_once_for_each_piece_of_work() -> None:
    async def main() -> None:
        housekeeping = Housekeeping(Watch())
        with capture_logs() as lines:
            for what in ("audit", "audit", "reload"):
                await housekeeping.attempt(what, _fails(ZeroDivisionError("oh"))())
        assert [(line["work"], line["exc_info"]) for line in lines] == [("audit", True), ("reload", True)]

    asyncio.run(main())


def test_faults_that_are_all_different_do_not_fill_the_memory() -> None:
    async def main() -> None:
        housekeeping = Housekeeping(Watch())
        with capture_logs() as lines:
            for number in range(1000):
                await housekeeping.attempt("audit", _fails(JournalDamaged(str(number)))())
        assert len(lines) == 1000
        assert len(housekeeping._said) <= 100

    asyncio.run(main())
