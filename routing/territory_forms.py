"""Forms of territories: lists as words, stand-ins in order, and the hand-over."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.areas import Place
from accounts.forms import reps_here, words
from accounts.geography import country_code
from accounts.models import Territory, TerritoryBackup
from accounts.services.territory_rows import read_ranges, write_ranges
from reps import tables
from reps.models import Rep
from routing.models import Pool

# So many stand-ins can be named at once; who needs more saves and names the next.
BACKUPS = 3


class TerritoryForm(forms.ModelForm):
    """A territory; its further conditions are rows beside it."""

    countries = words(label=_("Countries"), help_text=_("e.g. DE, AT, Switzerland"))
    regions = words(label=_("States or regions"), help_text=_("e.g. California, NY, DE-BY"))
    postal_prefixes = words(label=_("Postal codes that begin with"), help_text=_("e.g. 80, 81, 94"))
    postal_ranges = forms.CharField(
        required=False,
        max_length=4000,
        label=_("Postal codes from … to"),
        help_text=_("e.g. 94000 to 94999, 10000 to 10299"),
    )
    industries = words(label=_("Industries"), help_text=_("As accounts and forms name them."))
    pool = forms.ModelChoiceField(
        Pool.objects.all(),
        required=False,
        label=_("Pool"),
        empty_label=_("none of its own"),
        help_text=_(
            "Shares the leads if there is no owner, or what the owner cannot take. A pool serves "
            "one territory with all its parts."
        ),
    )

    # Set by the page from its rows; here so that what is wrong with them has a place.
    conditions = forms.Field(required=False)

    WHO = ("name", "description", "parent", "owner", "pool")
    TAKES = (
        *("countries", "regions", "postal_prefixes", "postal_ranges", "industries"),
        *("employees_min", "employees_max"),
    )
    REST = ("rank", "is_active")

    class Meta:
        model = Territory
        fields = (
            "name",
            "description",
            "parent",
            "owner",
            "countries",
            "regions",
            "postal_prefixes",
            "industries",
            "employees_min",
            "employees_max",
            "rank",
            "is_active",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        held = self._held()
        here = reps_here(keep=(row.owner_id, *(rep.pk for rep in held)))
        self.fields["owner"].queryset = here
        self.fields["owner"].empty_label = str(_("nobody"))
        self.fields["parent"].queryset = Territory.objects.exclude(pk=row.pk)
        self.fields["parent"].empty_label = str(_("nothing: it stands on its own"))
        self.fields["employees_min"].label = _("Employees from")
        self.fields["employees_max"].label = _("Employees up to")
        self.initial["postal_ranges"] = write_ranges(row.postal_ranges).replace("..", " to ")
        self.initial["pool"] = Pool.objects.filter(territory=row.pk).first() if row.pk else None
        self.backup_names = [f"backup_{n}" for n in range(max(BACKUPS, len(held) + 1))]
        for number, name in enumerate(self.backup_names):
            self.fields[name] = forms.ModelChoiceField(
                here,
                required=False,
                label=_("Backup owner") if number == 0 else _("then"),
                empty_label=_("nobody"),
                help_text=_("Takes the leads while the owner is away. Nobody: the owner's own.")
                if number == 0
                else "",
            )
            if number < len(held):
                self.initial[name] = held[number].pk

    def _held(self) -> list[Rep]:
        row = self.instance
        if row.pk is None:
            return []
        further = TerritoryBackup.objects.filter(territory=row).select_related("rep__user")
        return [*([row.backup] if row.backup_id else []), *(one.rep for one in further)]

    def parts(self, *names: str) -> list[Any]:
        return [self[name] for name in names]

    @property
    def backups(self) -> list[Rep]:
        """Who stands in, in order, once the form is valid."""
        named = (self.cleaned_data.get(name) for name in self.backup_names)
        return [rep for rep in named if rep is not None]

    def clean_countries(self) -> list[str]:
        found = []
        for text in self.cleaned_data["countries"]:
            code = country_code(text)
            if code is None:
                raise forms.ValidationError(
                    _("“%(text)s” is no country that we know; write DE or Germany."),
                    params={"text": text},
                )
            found.append(code)
        return list(dict.fromkeys(found))

    def clean_postal_ranges(self) -> list[list[str]]:
        try:
            found = read_ranges(self.cleaned_data["postal_ranges"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        self.instance.postal_ranges = found
        return found


class PlaceForm(forms.Form):
    """Where somebody is, to ask which territory they belong to."""

    country = forms.CharField(required=False, max_length=80, label=_("Country"))
    region = forms.CharField(required=False, max_length=80, label=_("State or region"))
    postal_code = forms.CharField(required=False, max_length=20, label=_("Postal code"))
    industry = forms.CharField(required=False, max_length=80, label=_("Industry"))
    employees = forms.IntegerField(
        required=False, min_value=0, max_value=2_147_483_647, label=_("Employees")
    )

    def place(self) -> Place:
        return Place(**self.cleaned_data)


class ReassignForm(forms.Form):
    """Who gets a territory, why, and whether the leads that are there move too."""

    to = forms.ModelChoiceField(
        Rep.objects.none(), required=False, label=_("New owner"), empty_label=_("nobody")
    )
    reason = forms.CharField(
        max_length=300,
        label=_("Why"),
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Kept in the history, and with every lead that moves."),
    )
    move_leads = forms.BooleanField(required=False)

    def __init__(self, *args: Any, movable: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = reps_here()
        if movable:
            self.fields["move_leads"].label = (
                _("Move the one open lead that the present owner has from here, too")
                if movable == 1
                else _("Move the %(n)s open leads that the present owner has from here, too")
                % {"n": movable}
            )
            self.fields["move_leads"].help_text = _(
                "Else they stay where they are. Leads of named accounts stay in any case."
            )
        else:
            del self.fields["move_leads"]


class TerritoryFileForm(forms.Form):
    """A file of territories."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV (UTF-8) or Excel (.xlsx), up to 20,000 rows."),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx"}),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > tables.MOST_BYTES:
            raise forms.ValidationError(_("The file is larger than 20 MB; split it."))
        return file
