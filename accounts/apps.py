"""The app of the market: who could buy, and whose they are."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Market"

    def ready(self) -> None:
        from accounts.services.plans import effect
        from reps.due import jobs

        jobs.register(jobs.Job("territory_plans", effect.drain, effect.oldest))
