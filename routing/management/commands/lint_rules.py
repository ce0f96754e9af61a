"""Say what is wrong with the draft, or with the live rules."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from routing.models import Organisation, RuleSet
from routing.rules.lint import lint


class Command(BaseCommand):
    help = "Check a rule set (the draft if there is one, else the live one); errors end it."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--ruleset", type=int, help="the version to check")

    def handle(self, *args: Any, ruleset: int | None, **options: Any) -> None:
        row = self.choose(ruleset)
        findings = lint(row)
        for finding in findings:
            self.stdout.write(f"{'error' if finding.is_error else 'warning'}: {finding.message}")
        errors = sum(finding.is_error for finding in findings)
        if errors:
            raise CommandError(f"{row} has {errors} errors.")
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
