"""Accounts and who owns them, over HTTP."""

from rest_framework import serializers

from accounts.models import Account, AccountOwner
from accounts.models.territory import text_list
from reps.api import PlainJSONField, SetUpViewSet, TrackedSerializer


class AccountSerializer(TrackedSerializer):
    aliases = PlainJSONField(required=False, validators=[text_list])

    class Meta:
        model = Account
        fields = [
            "id",
            "name",
            "domain",
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
