"""Sign in as a source: `Authorization: Bearer lr_…`."""

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions, permissions

from routing.keys import hash_key
from routing.models import Source


class SourceKeyAuthentication(authentication.BaseAuthentication):
    """
    `request.auth` becomes the source and `request.user` nobody, so that a key opens the
    doors of its source and shows no lead.

    The key is looked up by its SHA-256, so the time it takes tells nothing about a key.
    """

    keyword = "Bearer"

    def authenticate(self, request):
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != self.keyword.lower():
            return None
        source = Source.objects.filter(key_hash=hash_key(key)).exclude(key_hash="").first()
        if source is None:
            raise exceptions.AuthenticationFailed("This key is not valid, or no longer.")
        return AnonymousUser(), source

    def authenticate_header(self, request) -> str:
        return f'{self.keyword} realm="api"'


class HasSourceOrIsSignedIn(permissions.BasePermission):
    """A source with its key, or a person."""

    def has_permission(self, request, view) -> bool:
        return isinstance(request.auth, Source) or bool(
            request.user and request.user.is_authenticated and request.user.is_active
        )


class SourceKeyScheme(OpenApiAuthenticationExtension):
    """How the OpenAPI description names the keys of sources."""

    target_class = SourceKeyAuthentication
    name = "sourceKey"

    def get_security_definition(self, auto_schema) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "The key of a source (lr_…): it opens the doors of its source only.",
        }
