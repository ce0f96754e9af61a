"""Reading JSON parts: every refusal names the part that is wrong."""

from collections.abc import Mapping, Sequence
from typing import NoReturn

_MISSING = object()
_INFINITY = float("inf")


class InvalidPart(ValueError):
    """
    A part of a rule set says something the engine cannot do.

    `path` points at the offending part (`all[1].any[0].op`, "" for the whole), `message` is
    fit for the person who wrote it.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(path, message)
        self.path = path
        self.message = message

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message

    def under(self, prefix: str) -> "InvalidPart":
        """Return the same refusal as seen from further up."""
        return type(self)(join(prefix, self.path), self.message)


def join(prefix: str, part: str) -> str:
    """Write `part` below `prefix`, as in `all[1].op`."""
    if not prefix or not part:
        return prefix + part
    return f"{prefix}.{part}"


def is_integer(value: object) -> bool:
    """Say whether it is a whole number; `true` is not 1 here."""
    return isinstance(value, int) and not isinstance(value, bool)


class ObjectReader:
    """
    Read one JSON object key by key, then refuse what nobody asked for.

    Each reader returns a value of exactly the promised type.

    :raises InvalidPart: (or the subclass given) pointing at the part
    """

    def __init__(self, data: object, path: str, error: type[InvalidPart]) -> None:
        if not isinstance(data, Mapping):
            raise error(path, "must be an object")
        self._data: Mapping[object, object] = data
        self._path = path
        self._error = error
        self._seen: set[str] = set()

    def at(self, key: str) -> str:
        return join(self._path, key)

    def refuse(self, key: str, message: str) -> NoReturn:
        raise self._error(self.at(key), message)

    def names(self) -> list[str]:
        return [str(key) for key in self._data]

    def says(self, key: str) -> bool:
        """Say whether the key is there and not null."""
        self._seen.add(key)
        return self._data.get(key) is not None

    def raw(self, key: str, default: object = _MISSING) -> object:
        self._seen.add(key)
        value = self._data.get(key, default)
        if value is _MISSING:
            self.refuse(key, "is missing")
        return value

    def text(self, key: str, default: object = _MISSING) -> str:
        value = self.raw(key, default)
        if not isinstance(value, str):
            self.refuse(key, "must be a text")
        return value

    def filled_text(self, key: str) -> str:
        value = self.text(key)
        if not value.strip():
            self.refuse(key, "must not be empty")
        return value

    def choice(self, key: str, choices: Sequence[str], default: object = _MISSING) -> str:
        value = self.text(key, default)
        if value not in choices:
            self.refuse(key, f"unknown: {value!r}; one of {', '.join(choices)}")
        return value

    def integer(
        self,
        key: str,
        default: object = _MISSING,
        *,
        least: int | None = None,
        most: int | None = None,
    ) -> int:
        value = self.raw(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            self.refuse(key, "must be a whole number")
        if least is not None and value < least:
            self.refuse(key, f"must be at least {least}")
        if most is not None and value > most:
            self.refuse(key, f"must be at most {most}")
        return value

    def number(self, key: str, *, least: float) -> float:
        value = self.raw(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or value != value:
            self.refuse(key, "must be a number")
        if value < least or value == _INFINITY:
            self.refuse(key, f"must be a number from {least} on")
        return value

    def boolean(self, key: str, default: object = _MISSING) -> bool:
        value = self.raw(key, default)
        if not isinstance(value, bool):
            self.refuse(key, "must be true or false")
        return value

    def items(self, key: str, default: object = _MISSING) -> Sequence[object]:
        value = self.raw(key, default)
        if not isinstance(value, list | tuple):
            self.refuse(key, "must be a list")
        return value

    def finish(self) -> None:
        """Refuse the first key that nobody read: a misspelt key must not be silently ignored."""
        for key in self._data:
            if key not in self._seen:
                self.refuse(str(key), "is not known here")
