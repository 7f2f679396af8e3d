"""The errors that people see. Each one names the place, what was expected, what was found and what to do."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the `persona` command line."""

    DONE = 0
    AUDIT_FAILED = 1
    WRONG_USE = 2
    FAULT = 3


class PersonaError(Exception):
    """An error with a cause and a remedy; `exit_code` is what the command line ends with.

    Args:
        problem: one sentence, what went wrong.
        source, object, file, row, field: where; each may be unknown. `row` counts data rows from 1.
        expected, found: what should have stood there and what did. Never personal data: callers mask it.
        remedy: one sentence, what the reader can do about it.
    """

    exit_code = ExitCode.FAULT

    def __init__(
        self,
        problem: str,
        *,
        source: str | None = None,
        object: str | None = None,
        file: str | None = None,
        row: int | None = None,
        field: str | None = None,
        expected: str | None = None,
        found: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.problem = problem
        self.source = source
        self.object = object
        self.file = file
        self.row = row
        self.field = field
        self.expected = expected
        self.found = found
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        where = ", ".join(
            f"{name} {value}"
            for name, value in (
                ("source", self.source),
                ("object", self.object),
                ("file", self.file),
                ("row", self.row),
                ("field", self.field),
            )
            if value is not None
        )
        lines = [self.problem]
        if where:
            lines.append(f"  where:    {where}")
        if self.expected is not None:
            lines.append(f"  expected: {self.expected}")
        if self.found is not None:
            lines.append(f"  found:    {self.found}")
        if self.remedy is not None:
            lines.append(f"  to do:    {self.remedy}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        # keyword-only arguments do not survive pickling by themselves; Airflow pickles what a task raises
        return (_rebuild, (type(self), self.args), self.__dict__)


def _rebuild(cls: type[PersonaError], args: tuple[object, ...]) -> PersonaError:
    return cls.__new__(cls, *args)


class ConfigError(PersonaError):
    """Wrong use or configuration: a missing file, an unknown column, a bad sources file."""

    exit_code = ExitCode.WRONG_USE


class SourceFault(PersonaError):
    """A source delivered something that cannot be read: a cut file, a login page, a dead API."""

    exit_code = ExitCode.FAULT


class AuditFailed(PersonaError):
    """A critical expectation does not hold; nothing was published."""

    exit_code = ExitCode.AUDIT_FAILED
