"""The kinds of job, each with its module, which is imported for the first job; and which of them run by the clock."""

from lib.jobs import Kind, Schedule

TASKS = {
    "card": Kind("lib.tasks.card", lanes=2),
    "notice": Kind("lib.tasks.notice", lanes=8),
    "tell": Kind("lib.tasks.tell", lanes=8, batch=30),
    "erase": Kind("lib.tasks.erase", lanes=1),
    "audit": Kind("lib.tasks.audit", lanes=1),
    "tidy": Kind("lib.tasks.tidy", lanes=1),
    "stars": Kind("lib.tasks.stars", lanes=1),
}

SCHEDULES = {
    "audit": Schedule("30 3 * * *", zone="Europe/Moscow"),
    "tidy": Schedule("45 3 * * *", zone="Europe/Moscow"),
    "stars": Schedule("23 * * * *"),
}
