"""Accounts and who owns them, over HTTP."""

from rest_framework import serializers

from accounts.models import Account, AccountOwner, Cover
from accounts.models.territory import text_list
from accounts.services import covers
from reps.api import PlainJSONField, SetUpViewSet, TrackedSerializer


class AccountSerializer(TrackedSerializer):
    aliases = PlainJSONField(required=False, validators=[text_list])
    further_domains = PlainJSONField(required=False, validators=[text_list])

    class Meta:
        model = Account
        fields = [
            "id",
            "name",
            "domain",
            "further_domains",
            "aliases",
            "parent",
            "industry",
            "employees",
            "revenue",
            "country",
            "region",
            "city",
            "postal_code",
            "external_id",
            "is_active",
        ]

    def validate_parent(self, parent):
        ancestor = parent
        while ancestor is not None and self.instance is not None:
            if ancestor.pk == self.instance.pk:
                raise serializers.ValidationError("An account cannot be part of itself.")
            ancestor = ancestor.parent
        return parent


class AccountOwnerSerializer(TrackedSerializer):
    class Meta:
        model = AccountOwner
        fields = ["id", "account", "rep", "role", "starts_on", "ends_on"]


class AccountViewSet(SetUpViewSet):
    """Companies that leads can match."""

    queryset = Account.objects.all()
    serializer_class = AccountSerializer
    filterset_fields = ["name", "domain", "external_id", "parent", "is_active"]


class AccountOwnerViewSet(SetUpViewSet):
    """Named accounts: who owns which company, from when until when."""

    queryset = AccountOwner.objects.order_by("account", "role", "-starts_on", "pk")
    serializer_class = AccountOwnerSerializer
    filterset_fields = ["account", "rep", "role"]


class CoverSerializer(TrackedSerializer):
    class Meta:
        model = Cover
        fields = [
            "id",
            "account",
            "territory",
            "rep",
            "stand_in",
            "what",
            "starts_at",
            "ends_at",
            "reason",
            "moved_at",
            "returned_at",
        ]
        read_only_fields = ["moved_at", "returned_at"]

    def create(self, validated_data):
        return covers.add(cover=Cover(**validated_data), by=self.acts["by"], at=self.acts["at"])


class CoverViewSet(SetUpViewSet):
    """Temporary cover of an account or a territory. Set `ends_at` to now to end one early."""

    http_method_names = ["get", "post", "patch", "head", "options"]
    queryset = Cover.objects.all()
    serializer_class = CoverSerializer
    filterset_fields = ["account", "territory", "rep", "stand_in"]
