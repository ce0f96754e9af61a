"""The app of the market: who could buy, and whose they are."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Market"
