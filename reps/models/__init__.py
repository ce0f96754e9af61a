"""People, their time, and what every app records about acts."""

from reps.models.audit import AuditEvent, AuditHead
from reps.models.heartbeat import Heartbeat
from reps.models.hours import Absence, BusyTime, CalendarFeed, WorkCalendar
from reps.models.message import Message, NotificationPreference
from reps.models.people import Rep, RepSkill, Skill, Team
from reps.models.roster import RosterStamp
from reps.models.tracked import TrackedModel, TrackedQuerySet
from reps.models.user import User

__all__ = [
    "Absence",
    "AuditEvent",
    "AuditHead",
    "BusyTime",
    "CalendarFeed",
    "Heartbeat",
    "Message",
    "NotificationPreference",
    "Rep",
    "RepSkill",
    "RosterStamp",
    "Skill",
    "Team",
    "TrackedModel",
    "TrackedQuerySet",
    "User",
    "WorkCalendar",
]
