"""Pools, their members, and queues."""

from reps.api import SetUpViewSet, TrackedSerializer
from routing.models import Pool, PoolMember, Queue


class PoolMemberSerializer(TrackedSerializer):
    class Meta:
        model = PoolMember
        fields = ["id", "pool", "rep", "weight", "position"]


class PoolSerializer(TrackedSerializer):
    members = PoolMemberSerializer(many=True, read_only=True)

    class Meta:
        model = Pool
        fields = ["id", "name", "territory", "members"]


class QueueSerializer(TrackedSerializer):
    class Meta:
        model = Queue
        fields = ["id", "name", "pool", "responsible", "max_unworked"]


class PoolViewSet(SetUpViewSet):
    """Reps who share one rotation."""

    queryset = Pool.objects.prefetch_related("members")
    serializer_class = PoolSerializer
    filterset_fields = ["name", "territory"]


class PoolMemberViewSet(SetUpViewSet):
    """Who takes turns in which pool, and how many."""

    queryset = PoolMember.objects.order_by("pool", "position", "pk")
    serializer_class = PoolMemberSerializer
    filterset_fields = ["pool", "rep"]


class QueueViewSet(SetUpViewSet):
    """Where leads wait to be claimed, or for routing."""

    queryset = Queue.objects.all()
    serializer_class = QueueSerializer
    filterset_fields = ["name", "pool"]
