"""The words of notices, in the operator's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, TypeAlias

from jackfield.components.values import Notice, NoticeKind
from jackfield.notices.alarms import Report

Language: TypeAlias = Literal["en", "ru"]
IN_A_ROW: Final = 10
"""From so many failed runs in a row on, the notice says that the destination keeps failing."""

_LONGEST_ERROR: Final = 500
_LONGEST_TITLE: Final = 80

_SUBJECTS: Final[Mapping[NoticeKind, Mapping[Language, str]]] = {
    NoticeKind.FAILED: {"en": "{title}: failed runs: {count}", "ru": "{title}: операций с ошибкой: {count}"},
    NoticeKind.BLOCKED: {"en": "{title}: cannot run", "ru": "{title}: обработка не может работать"},
    NoticeKind.PAUSED: {"en": "{title}: put on hold", "ru": "{title}: обработка приостановлена"},
    NoticeKind.SILENT: {"en": "{title}: nothing comes in", "ru": "{title}: данные не поступают"},
    NoticeKind.JOURNAL: {"en": "the journal is nearly full", "ru": "журнал почти заполнен"},
    NoticeKind.DAMAGED: {"en": "the journal is damaged", "ru": "журнал повреждён"},
    NoticeKind.RECOVERED: {"en": "{title}: works again", "ru": "{title}: снова работает"},
    NoticeKind.TEST: {"en": "a test", "ru": "проверка"},
}
_TEXTS: Final[Mapping[NoticeKind, Mapping[Language, str]]] = {
    NoticeKind.FAILED: {
        "en": (
            "Runs of pipeline {pipeline} ({title}) that failed for good since {since}: {count}.\n\n"
            "The first of them is {run}{about}:\n{error}\n\n{more}"
            "To do: see what went wrong with `jackfield runs show {run}`, mend it, "
            "then send the data again with `jackfield replay {run}`."
        ),
        "ru": (
            "Обработка {pipeline} ({title}). Операций, завершившихся ошибкой с {since}: {count}.\n\n"
            "Первая из них — {run}{about}:\n{error}\n\n{more}"
            "Что делать: посмотрите причину (`jackfield runs show {run}`), устраните её "
            "и повторите операцию (`jackfield replay {run}`)."
        ),
    },
    NoticeKind.BLOCKED: {
        "en": (
            "Pipeline {pipeline} ({title}) cannot run since {since}:\n{error}\n\n"
            "To do: `jackfield check` names every mistake. Where the source can still be used, "
            "events are accepted and kept, and are run when the mistake is mended."
        ),
        "ru": (
            "Обработка {pipeline} ({title}) не может работать с {since}:\n{error}\n\n"
            "Что делать: `jackfield check` покажет все ошибки. Если источник данных исправен, события принимаются, "
            "хранятся и будут обработаны, когда ошибка будет устранена."
        ),
    },
    NoticeKind.PAUSED: {
        "en": (
            "Pipeline {pipeline} ({title}) was put on hold at {since}: its destination keeps failing.\n{error}\n\n"
            "Events are accepted and kept. To do: see that the destination works, "
            "then start the pipeline with `jackfield start {pipeline}`."
        ),
        "ru": (
            "Обработка {pipeline} ({title}) приостановлена {since}: получатель данных постоянно отвечает ошибкой.\n"
            "{error}\n\nСобытия принимаются и хранятся. Что делать: убедитесь, что получатель работает, "
            "и запустите обработку: `jackfield start {pipeline}`."
        ),
    },
    NoticeKind.SILENT: {
        "en": (
            "Nothing has come in for pipeline {pipeline} ({title}) since {error}.\n\n"
            "To do: see at the sender whether it still calls the address that `jackfield address {pipeline}` prints, "
            "and with `jackfield refused` whether its calls are turned away."
        ),
        "ru": (
            "Для обработки {pipeline} ({title}) ничего не поступало с {error}.\n\n"
            "Что делать: проверьте, вызывает ли отправитель адрес, который показывает "
            "`jackfield address {pipeline}`, и не отклонены ли его вызовы (`jackfield refused`)."
        ),
    },
    NoticeKind.JOURNAL: {
        "en": (
            "The journal is nearly full since {since}: {error}.\n\n"
            "When it is full, senders are answered 503. To do: make room on the disk, see with `jackfield pipelines` "
            "which pipelines keep runs that they do not run, or raise `[journal] keep`."
        ),
        "ru": (
            "Журнал почти заполнен с {since}: {error}.\n\n"
            "Когда место кончится, отправители будут получать ответ 503. Что делать: освободите место на диске, "
            "посмотрите, какие обработки копят операции (`jackfield pipelines`), "
            "или увеличьте `[journal] keep`."
        ),
    },
    NoticeKind.DAMAGED: {
        "en": (
            "There is something wrong with the journal's files since {since}:\n{error}\n\n"
            "To do: see the page Health, and “The journal is damaged” in running.md."
        ),
        "ru": (
            "С файлами журнала что-то не так с {since}:\n{error}\n\n"
            "Что делать: посмотрите страницу «Состояние» и раздел «The journal is damaged» в running.md."
        ),
    },
    NoticeKind.RECOVERED: {
        "en": "What you were told at {since} is over: {over}.",
        "ru": "То, о чём сообщалось {since}, закончилось: {over}.",
    },
    NoticeKind.TEST: {
        "en": "This is a test. If you can read it, notices of Jackfield reach you.",
        "ru": "Это проверка. Если вы это читаете, уведомления Jackfield доходят.",
    },
}
_OVER: Final[Mapping[NoticeKind, Mapping[Language, str]]] = {
    NoticeKind.FAILED: {
        "en": "a run of pipeline {pipeline} has succeeded; those that failed before are not run again by themselves",
        "ru": "операция обработки {pipeline} выполнена; завершившиеся ошибкой раньше сами не повторяются",
    },
    NoticeKind.BLOCKED: {"en": "pipeline {pipeline} can run", "ru": "обработка {pipeline} может работать"},
    NoticeKind.PAUSED: {
        "en": "a run of pipeline {pipeline} has succeeded; those that failed before are not run again by themselves",
        "ru": "операция обработки {pipeline} выполнена; завершившиеся ошибкой раньше сами не повторяются",
    },
    NoticeKind.SILENT: {
        "en": "data for pipeline {pipeline} comes in again",
        "ru": "данные для обработки {pipeline} снова поступают",
    },
    NoticeKind.JOURNAL: {"en": "there is room for the journal again", "ru": "для журнала снова есть место"},
    NoticeKind.DAMAGED: {"en": "the journal is as it should be again", "ru": "журнал снова в порядке"},
}
_KEEPS_FAILING: Final[Mapping[Language, str]] = {
    "en": "The destination keeps failing: {in_row} runs have failed one after the other.\n\n",
    "ru": "Получатель данных постоянно отвечает ошибкой: подряд операций с ошибкой — {in_row}.\n\n",
}
_MENDED: Final[Mapping[Language, str]] = {
    "en": "A later run has succeeded.\n\n",
    "ru": "Более поздняя операция выполнена.\n\n",
}
_HOST: Final = "Jackfield"


def trial_notice(language: Language, at: datetime) -> Notice:
    """Write the notice that shows whether notices arrive."""
    return notice_of(Report(NoticeKind.TEST, None, at), "", None, language, at)


def notice_of(
    report: Report, title: str, link: str | None, language: Language, at: datetime, *, about: str = ""
) -> Notice:
    """Put a report into words. `title` is the pipeline's, and `about` says whom its run is about.

    All that goes in has its secrets masked already.
    """
    facts = {
        "title": _line(title or _HOST, _LONGEST_TITLE),
        "pipeline": report.pipeline or "",
        "count": report.count,
        "since": moment(report.since),
        "error": _line(report.error, _LONGEST_ERROR),
        "run": report.run or "",
        "about": f" ({_line(about, _LONGEST_TITLE)})" if about else "",
        "more": _more(report, language),
        "over": _OVER[report.over][language].format(pipeline=report.pipeline) if report.over else "",
    }
    text = _TEXTS[report.kind][language].format_map(facts)
    return Notice(
        kind=report.kind,
        subject=f"{_HOST}: " + _SUBJECTS[report.kind][language].format_map(facts).removeprefix(f"{_HOST}: "),
        text=f"{text}\n\n{link}" if link else text,
        at=at,
        pipeline=report.pipeline,
        count=report.count,
        link=link,
    )


def moment(at: datetime) -> str:
    """Write a time as people at the host's place do."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


def _more(report: Report, language: Language) -> str:
    if report.mended:
        return _MENDED[language]
    return _KEEPS_FAILING[language].format(in_row=report.in_row) if report.in_row >= IN_A_ROW else ""


def _line(text: str, longest: int) -> str:
    """Make one line of what strangers wrote: nothing in it can end a subject or pass for another line."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= longest else f"{line[:longest]}…"
