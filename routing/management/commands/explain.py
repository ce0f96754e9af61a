"""Say in plain words why a lead is where it is, and why a rep did not get it."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reps.models import Rep
from routing import why, why_not
from routing.dispatch import replay
from routing.models import Lead


class Command(BaseCommand):
    help = "Explain the newest decision about a lead; with --rep that rep's part in it."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("lead", type=int, help="the lead's number")
        parser.add_argument("--rep", help="a rep's number or user name: why not them")
        parser.add_argument("--json", action="store_true", help="the whole story as JSON")

    def handle(
        self, *args: Any, lead: int, rep: str | None, json: bool = False, **options: Any
    ) -> None:
        row = Lead.objects.select_related("prospect").filter(pk=lead).first()
        if row is None:
            raise CommandError(f"There is no lead {lead}.")
        me = self.find(rep) if rep else None
        if json:
            self.print_json(row, me)
            return
        story = why.story(row, me=None, sees_all=True)
        if story is None:
            self.stdout.write(f"Nothing has been decided about lead {lead} yet.")
            return
        self.stdout.write(story.headline)
        for sentence in [*story.sentences, *story.passed, story.note]:
            if sentence:
                self.stdout.write(f"  {sentence}")
        for candidate in story.candidates:
            if me is None or candidate.rep == me:
                self.stdout.write(f"  - {candidate.rep}: {candidate.verdict}. {candidate.detail}")
        if me is not None:
            self.say_why_not(row, me)

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

    def find(self, rep: str) -> Rep:
        by = {"pk": int(rep)} if rep.isdigit() else {"user__username": rep}
        found = Rep.objects.select_related("user").filter(**by).first()
        if found is None:
            raise CommandError(f"There is no rep {rep}.")
        return found

    def print_json(self, lead: Lead, me: Rep | None) -> None:
        decision = lead.decisions.order_by("-pk").first()
        if decision is None:
            raise CommandError(f"Nothing has been decided about lead {lead.pk} yet.")
        told = replay.explain(decision, rep_id=me.pk if me else None)
        self.stdout.write(json.dumps(told.to_json(), indent=2, ensure_ascii=False))
