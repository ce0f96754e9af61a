"""Which JSON data both databases can store. Pure."""

from typing import Any

MOST_DEPTH = 30
LARGEST_NUMBER = 10**15


def problem_with(value: Any, path: str = "", depth: int = 0) -> str:
    """
    Say what is wrong with JSON data that a person wrote, or nothing ("").

    PostgreSQL stores no NUL and no half characters, and no form of ours nests so deeply.
    """
    place = path or "the value"
    if isinstance(value, str):
        if "\x00" in value or any(0xD800 <= ord(character) <= 0xDFFF for character in value):
            return f"Unusable character in {place}."
    elif isinstance(value, dict | list):
        if depth > MOST_DEPTH:
            return "Nested too deeply."
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for name, part in pairs:
            found = problem_with(str(name), place) or problem_with(
                part, f"{path}/{name}".lstrip("/"), depth + 1
            )
            if found:
                return found
    elif isinstance(value, int | float) and not abs(value) <= LARGEST_NUMBER:
        return f"Number out of range in {place}."
    return ""
