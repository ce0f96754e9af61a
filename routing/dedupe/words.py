"""Evidence in words, and two people side by side, for whoever decides about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from routing.dedupe import merging
from routing.dedupe.alike import AGAINST
from routing.intake.identify import COLUMNS
from routing.models import DuplicatePair, DuplicatePolicy, Lead, Prospect

EVIDENCE: Mapping[str, str | Promise] = {
    "mailbox": gettext_lazy("their addresses reach the same mailbox"),
    "domain_typo": gettext_lazy("the same address but for a slip in the provider's domain"),
    "local_typo": gettext_lazy("their addresses differ by one slip"),
    "same_name_domain": gettext_lazy("same name, same company domain"),
    "near_name_domain": gettext_lazy("names differ by one slip, same company domain"),
    "nickname_domain": gettext_lazy("a short form of the same name, same company domain"),
    "swapped_domain": gettext_lazy("first and last name swapped, same company domain"),
    "same_name_company": gettext_lazy("same name, same company name"),
    "phone_same_name": gettext_lazy("same phone number, same name"),
    "phone_no_name": gettext_lazy("same phone number; only one of them has a name"),
    "phone_other_name": gettext_lazy("same phone number, another name"),
    "switchboard": gettext_lazy("same number, but several people's"),
    "other_profile": gettext_lazy("another LinkedIn profile"),
    "other_country": gettext_lazy("another country"),
    "other_name": gettext_lazy("another name"),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of evidence in words, for or against."""

    words: str
    speaks_for: bool


def evidence(codes: Sequence[str]) -> list[Piece]:
    return [Piece(str(EVIDENCE.get(code, code)), code not in AGAINST) for code in codes]


@dataclass(frozen=True, slots=True)
class Row:
    """One field of two people; `differs` where somebody has to choose."""

    name: str
    label: str
    first: str
    second: str

    @property
    def differs(self) -> bool:
        return bool(self.first and self.second and self.first != self.second)


def side_by_side(first: Prospect, second: Prospect) -> list[Row]:
    """Every field that at least one of them has."""
    rows = [
        Row(
            name,
            str(Prospect._meta.get_field(name).verbose_name),
            getattr(first, name),
            getattr(second, name),
        )
        for name in COLUMNS
    ]
    return [row for row in rows if row.first or row.second]


def outcome(pair: DuplicatePair, leads: Sequence[Lead], policy: DuplicatePolicy) -> list[str]:
    """What merging these two would do to their open leads."""
    said = [
        _("Lead %(kept)s stays, with %(holder)s. Lead %(closed)s is closed as merged.")
        % {
            "kept": clash.kept.pk,
            "holder": clash.kept.owner or clash.kept.queue or clash.kept.get_place_display(),
            "closed": clash.closed.pk,
        }
        + (
            " " + _("%(who)s is told.") % {"who": clash.closed.owner}
            if clash.closed.owner and clash.closed.owner_id != clash.kept.owner_id
            else ""
        )
        for clash in merging.clashing(leads, policy=policy)
    ]
    return said or [_("No lead is closed: at most one of them is open.")]
