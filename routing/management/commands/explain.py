"""Say in plain words why a lead is where it is, and why a rep did not get it."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reps.models import Rep
from routing import checked, story, why_not
from routing.dispatch import replay
from routing.models import Decision, Lead


class Command(BaseCommand):
    help = "Explain the newest decision about a lead; with --rep that rep's part in it."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("lead", type=int, help="the lead's number")
        parser.add_argument("--rep", help="a rep's number or user name: why not them")
        parser.add_argument(
            "--check",
            action="store_true",
            help="only whether its inputs are what they were, and the answer is still the same; "
            "fails if not",
        )
        parser.add_argument("--json", action="store_true", help="the whole of it as JSON")

    def handle(
        self,
        *args: Any,
        lead: int,
        rep: str | None,
        check: bool = False,
        json: bool = False,
        **options: Any,
    ) -> None:
        row = Lead.objects.select_related("prospect").filter(pk=lead).first()
        if row is None:
            raise CommandError(f"There is no lead {lead}.")
        about = self.find(rep) if rep else None
        decision = row.decisions.select_related("batch").order_by("-pk").first()
        if decision is None:
            raise CommandError(f"Nothing has been decided about lead {lead} yet.")
        if check:
            self.say_check(decision, as_json=json)
        elif json:
            self.print_json(decision, about)
        else:
            self.say_story(row, about)

    def say_story(self, lead: Lead, about: Rep | None) -> None:
        told = story.tell(lead, me=None, sees_all=True)
        if told is None:
            return
        self.stdout.write(f"{told.headline}.")
        for sentence in [*told.sentences, *told.passed, told.note, told.check]:
            if sentence:
                self.stdout.write(f"  {sentence}")
        for candidate in told.candidates:
            if about is None or candidate.rep == about:
                detail = f": {candidate.detail}" if candidate.detail else ""
                self.stdout.write(f"  - {candidate.rep}: {candidate.verdict}{detail}.")
        if about is not None:
            self.say_why_not(lead, about)

    def say_why_not(self, lead: Lead, rep: Rep) -> None:
        try:
            answer = why_not.why_not(lead, rep)
        except why_not.CannotTell as error:
            self.stdout.write(f"  {error}")
            return
        detail = f": {answer.detail}" if answer.detail else ""
        self.stdout.write(f"  Why not {rep}? {answer.verdict}{detail}.")
        if answer.enough:
            self.stdout.write(f"  {answer.enough}")

    def say_check(self, decision: Decision, *, as_json: bool) -> None:
        found = replay.check(decision)
        if as_json:
            self.stdout.write(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
        else:
            erased = "Facts behind it were erased, so it cannot be run again."
            self.stdout.write(checked.words(found) or erased)
            for one in found.differences:
                self.stdout.write(f"  {one.field}: {one.then} then, {one.now} now")
        if not checked.is_calm(found):
            raise CommandError(f"Decision {decision.pk} is not what it was.")

    def find(self, rep: str) -> Rep:
        by = {"pk": int(rep)} if rep.isdigit() else {"user__username": rep}
        found = Rep.objects.select_related("user").filter(**by).first()
        if found is None:
            raise CommandError(f"There is no rep {rep}.")
        return found

    def print_json(self, decision: Decision, about: Rep | None) -> None:
        try:
            told = replay.explain(decision, rep_id=about.pk if about else None)
        except (replay.FactsErased, replay.FactsAltered) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(told.to_json(), indent=2, ensure_ascii=False))
