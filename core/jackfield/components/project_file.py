"""Files that options name: they lie in the project folder, however their names are spelt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """Marks an option as the name of a file in the project folder: `Annotated[str, ProjectFile()]`.

    A name that leads out of the folder is a mistake of the pipeline's file. Where the option may also hold the text
    itself, `text` is what such a text has in it. To open the file, ask `ActionContext.file()` for its path.
    """

    text: str = ""

    def mistake(self, folder: Path, value: str) -> str | None:
        """Say what is wrong with a value of the option, None if nothing is."""
        if self.text and self.text in value:
            return None
        try:
            project_file(folder, value)
        except ValueError as error:
            return str(error)
        return None


def project_file(folder: Path, name: str) -> Path:
    """Return the path of a file by its name, which is relative to the project folder.

    Raises ValueError if the file lies outside of the folder: by an absolute path, by `..`, or by a symbolic link.
    Whether there is such a file is not looked at.
    """
    try:
        path = (folder / name).resolve()
        inside = path.is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a loop of links, a null character
        raise ValueError(f"{name!r} cannot be the name of a file; write its path, from the project folder") from None
    if not inside:
        raise ValueError(
            f"{name} lies outside of the project folder, and a pipeline may read no files there; "
            "copy the file into the folder and write its path from there"
        )
    return path
