"""GetCourse for Jackfield: sources for what it sends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jackfield import Source, hookimpl
from jackfield_getcourse.user_created import UserCreated


@hookimpl
def register_sources() -> Iterable[type[Source[Any]]]:
    """Offer the sources of this plugin."""
    return (UserCreated,)
