"""Take in a file of leads."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count

from reps.due.clock import database_now
from reps.mapping import BadMapping, load
from reps.tables import BadFile
from routing.intake import imports, process
from routing.models import ImportJob, Lead, Source
from routing.models.desk import NotSetUp, Organisation
from routing.models.source import Mode

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Take in a CSV or XLSX file of leads. Run again, rows with a key are not taken twice; "
        "if it is killed, workers and the sweep finish it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--source", required=True, help="key of the source")
        parser.add_argument("--map", required=True, type=Path, help="mapping file (YAML)")
        modes = [mode.lower() for mode in Mode.values]
        parser.add_argument("--mode", choices=modes, help="default: the source's")
        parser.add_argument("--clock", metavar="COLUMN", help="column that says when it happened")

    def handle(
        self, file: Path, source: str, map: Path, mode: str, clock: str, **options: Any
    ) -> None:
        try:
            job = self._job(file, source, map, mode, clock)
        except (BadFile, BadMapping, imports.ImportRefused, NotSetUp) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"Cannot read {error.filename}: {error.strerror}.") from error
        self._run(job)
        self._summary(job)

    def _job(self, file: Path, slug: str, map_file: Path, mode: str, clock: str) -> ImportJob:
        Organisation.get()
        source = Source.objects.filter(slug=slug).first()
        if source is None:
            known = ", ".join(Source.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no source {slug}; known: {known}.")
        data = load(map_file.read_bytes())
        if clock:
            given = data.get("clock")
            data["clock"] = {**given, "column": clock} if isinstance(given, dict) else clock
        at = database_now()
        job = imports.preview(
            source=source,
            file_name=file.name,
            content=file.read_bytes(),
            data=data,
            mode=mode.upper() if mode else source.mode,
            by=None,
            at=at,
        )
        return imports.start(job=job, at=at)

    def _run(self, job: ImportJob) -> None:
        """Do inline what a worker would do; one that is running may well help."""
        while True:
            now = database_now()
            taken = imports.drain(driver="command", due_before=now, only=job.pk)
            handled = process.drain(driver="command", due_before=now)
            job.refresh_from_db()
            if self.stdout.isatty():
                self.stdout.write(f"\r{job.next_row:,} of {job.rows:,} rows read …", ending="")
                self.stdout.flush()
            if not taken and not handled:
                break
        if self.stdout.isatty():
            self.stdout.write("")
        if job.state == ImportJob.State.RUNNING:
            raise CommandError(
                "The import is not finished: another process holds it, or the source is closed. "
                "Workers and the sweep go on with it."
            )

    def _summary(self, job: ImportJob) -> None:
        done = imports.progress(job)
        self.stdout.write(
            f"{job.file_name}: {done.rows} rows, {done.processed} taken in, {done.repeated} had "
            f"come before, {done.skipped} skipped, {done.quarantined} in quarantine, "
            f"{done.waiting} waiting"
        )
        leads = Lead.objects.filter(submissions__in=imports.submissions(job)).order_by()
        counts = list(leads.values_list("campaign").annotate(number=Count("pk", distinct=True)))
        if len(counts) > 1:
            self.stdout.write("Leads by campaign:")
            for campaign, number in sorted(counts, key=lambda pair: -pair[1])[:SHOWN]:
                self.stdout.write(f"  {number:>7,}  {campaign or '(none)'}")
        for _, row, messages in imports.in_quarantine(job, most=SHOWN):
            self.stdout.write(f"  row {row}: {'; '.join(messages)}")
        if done.quarantined > SHOWN:
            self.stdout.write(f"  … and {done.quarantined - SHOWN} more; see /imports/{job.pk}/")
