"""The kinds of job and the module of each, imported when its first job is claimed."""

TASKS = {
    "card": "lib.tasks.card",
    "erase": "lib.tasks.erase",
    "notice": "lib.tasks.notice",
}
