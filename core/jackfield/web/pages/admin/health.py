"""How the host is."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jackfield.checks.certificate import PublicCertificate
from jackfield.checks.health import Clock, health_report
from jackfield.web.auth.page_access import page_route
from jackfield.web.pages.runs.journal import titles_of
from jackfield.web.render.rendering import page
from jackfield.web.state import host_of


def routes() -> list[Route]:
    """Return the routes of this module."""
    certificate, clock = PublicCertificate(), Clock()

    async def show_health(request: Request) -> Response:
        """Say whether all is well, and show the figures."""
        host = host_of(request)
        known = certificate.known(host.project.settings.server.public_url)
        return page(request, "health.html", state=await health_report(host, known, clock), titles=titles_of(request))

    return [page_route("/health", show_health)]
