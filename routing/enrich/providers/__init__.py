"""
The providers that answer at once, from tables of our own: the registry.

Each is a module with one `PROVIDER`. Adding one is its file, a line here and its test. The order is
that of the waterfall; those outside (`EnrichmentProvider`) come after them.
"""

from collections.abc import Mapping
from typing import Final

from routing.enrich.providers import account, language, mail, phone, postal, title
from routing.enrich.providers.base import Provider

BUILT_IN: Final[tuple[Provider, ...]] = (
    account.PROVIDER,
    mail.PROVIDER,
    title.PROVIDER,
    postal.PROVIDER,
    phone.PROVIDER,
    language.PROVIDER,
)
BY_SLUG: Final[Mapping[str, Provider]] = {one.slug: one for one in BUILT_IN}
# The places of those outside in the order begin here.
OUTSIDE_FROM: Final = 100
