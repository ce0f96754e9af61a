"""Say what is wrong with the draft, or with the live rules."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from routing.models import Organisation, RuleSet
from routing.rules.lint import lint


class Command(BaseCommand):
    help = (
        "Check a rule set (the draft if there is one, else the live one): a line per finding, "
        "with its code as in the users' page on the linter. Errors end it with exit code 1."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--ruleset", type=int, help="the version to check")

    def handle(self, *args: Any, ruleset: int | None, **options: Any) -> None:
        row = self.choose(ruleset)
        findings = lint(row)
        for one in findings:
            kind = "error" if one.is_error else "warning"
            self.stdout.write(f"{kind}: {one.message} [{one.code}]")
        errors = sum(finding.is_error for finding in findings)
        if errors:
            raise CommandError(f"{row} has {errors} errors.", returncode=1)
        self.stdout.write(f"{row}: no errors, {len(findings)} warnings.")

    def choose(self, version: int | None) -> RuleSet:
        if version is not None:
            found = RuleSet.objects.filter(version=version).first()
            if found is None:
                raise CommandError(f"There is no version {version}.")
            return found
        draft = RuleSet.objects.filter(state=RuleSet.State.DRAFT).first()
        organisation = Organisation.objects.select_related("live_ruleset").first()
        row = draft or (organisation.live_ruleset if organisation else None)
        if row is None:
            raise CommandError("There are no rules yet; make a draft at /rules/.")
        return row
