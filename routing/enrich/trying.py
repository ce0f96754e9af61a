"""Ask a provider now, about somebody made up, to see what its set-up brings. Nothing is kept."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.functional import Promise

from routing.enrich import call, fields, invented, mapping, question, shown
from routing.models import EnrichmentProvider, Prospect

LONGEST_SHOWN = 3000
# Of the sample that is asked about, what is typed; the domain follows from the e-mail address.
SAMPLE = ("email", "company", "website", "country", "phone", "first_name", "last_name", "title")


@dataclass(frozen=True, slots=True)
class Tried:
    """What a try brought: the address asked, the answer, the fields that came of it."""

    asked: str
    said: call.Said
    answer: str
    values: tuple[tuple[str | Promise, str], ...]
    problems: tuple[str, ...]


def attempt(provider: EnrichmentProvider, sample: Mapping[str, str]) -> Tried:
    """
    Ask once, within the provider's time-out; outside of any transaction.

    :raises question.NotAskable: if a secret is missing, or the sample lacks what the address names
    """
    told = question.told(Prospect(**{name: sample.get(name, "") for name in SAMPLE}))
    if provider.kind == EnrichmentProvider.Kind.DEMO:
        body = invented.answer(told["domain"]) if told["domain"] else None
        said = call.Said("ANSWERED", body=body) if body else call.Said("EMPTY")
        asked = str(provider)
    else:
        built = question.build(provider, told)
        if built is None:
            raise question.NotAskable("Fill in everything that the address or the body names.")
        asked = f"{built.method} {built.url}"
        said = call.call(
            built, seconds=provider.timeout / 1000, inside=settings.ENRICHMENT_HOSTS_INSIDE
        )
    mapped = mapping.apply(provider.mapping, said.body, fields.OUTSIDE)
    values, problems = [], list(mapped.problems)
    for name, raw in mapped.values.items():
        value = fields.clean(name, raw)
        if value in (None, "", []):
            problems.append(f"{name}: “{raw}” is none of its values")
        else:
            values.append((fields.BY_NAME[name].label, shown.words(value)))
    return Tried(asked, said, _pretty(said.body), tuple(values), tuple(problems))


def _pretty(body: Any) -> str:
    if body is None:
        return ""
    text = json.dumps(body, ensure_ascii=False, indent=2)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}\n…"
