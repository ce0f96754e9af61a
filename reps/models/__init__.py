"""People, their time, and what every app records about acts."""

from reps.models.audit import AuditAnchor, AuditEvent, AuditHead, ChangeLog
from reps.models.heartbeat import Heartbeat
from reps.models.hours import Absence, BusyTime, CalendarFeed, WorkCalendar
from reps.models.message import (
    ChannelChoice,
    Delivery,
    Message,
    NotificationPreference,
    PushSubscription,
)
from reps.models.operation import Alarm, Hold, RetentionRule, Routine, Strike
from reps.models.people import Rep, RepSkill, Skill, Team
from reps.models.roster import RosterStamp
from reps.models.tracked import TrackedModel, TrackedQuerySet
from reps.models.user import User

__all__ = [
    "Absence",
    "Alarm",
    "AuditAnchor",
    "AuditEvent",
    "AuditHead",
    "BusyTime",
    "CalendarFeed",
    "ChangeLog",
    "ChannelChoice",
    "Delivery",
    "Heartbeat",
    "Hold",
    "Message",
    "NotificationPreference",
    "PushSubscription",
    "Rep",
    "RepSkill",
    "RetentionRule",
    "RosterStamp",
    "Routine",
    "Skill",
    "Strike",
    "Team",
    "TrackedModel",
    "TrackedQuerySet",
    "User",
    "WorkCalendar",
]
