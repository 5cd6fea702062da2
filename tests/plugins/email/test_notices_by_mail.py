import asyncio
import os
from datetime import timedelta
from pathlib import Path

import jackfield_email
from jackfield.components.plugins.registry import Registry
from jackfield.host.host import running
from tests.plugins.email.servers import Mailbox, mail_server
from tests.support import Clock, Plugin, give, make_project, steps, until

SETTINGS = """
[server]
port = 0
public_url = "https://hooks.example.ru"
[http]
allow = ["127.0.0.1"]
[notices]
language = "ru"
[notices.email]
server = "smtp://127.0.0.1:{port}"
tls = "none"
from = "host@example.ru"
to = ["admin@example.ru"]
"""


def test_500_failing_runs_in_one_minute_make_one_mail_and_their_end_another(tmp_path: Path) -> None:
    mailbox, clock = Mailbox(), Clock()

    async def mails(count: int) -> None:
        async with asyncio.timeout(10):
            while len(mailbox.envelopes) < count:
                await asyncio.sleep(0.005)

    async def main(port: int) -> None:
        pipeline = steps('do = "{{ $.event.do }}"', head='title = "Школа"')
        project = make_project(tmp_path, {"x": pipeline}, SETTINGS.format(port=port))
        async with running(project, os.environ, registry=Registry.of(Plugin(), jackfield_email), now=clock) as host:
            runs = []
            for _ in range(500):
                runs.append(await give(host, {"do": "give_up"}))
                clock.time += timedelta(minutes=1) / 500
            for run in runs:
                await until(host, run)
            await host.notices.look()
            await mails(1)
            await until(host, await give(host, {"do": "say"}))
            await host.notices.look()
            await mails(2)
            assert host.notices.notifiers.statuses[0].failing_since is None

    with mail_server(mailbox) as port:
        asyncio.run(main(port))
    first, second = mailbox.messages
    assert "500" in first["subject"]
    assert "https://hooks.example.ru/runs/" in first.get_content()
    assert "Школа" in second["subject"]
