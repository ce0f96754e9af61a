"""Pieces of the pages: icons, clocks, avatars, times."""

from django import template

register = template.Library()
