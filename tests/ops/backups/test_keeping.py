"""ops/backups/keeping.py: what stays of a backup each night."""

from datetime import UTC, datetime, timedelta

from ops.backups import keeping

NOW = datetime(2026, 11, 29, 3, 30, tzinfo=UTC)


def nights(number, start=NOW):
    return [start - timedelta(days=day) for day in range(number)]


def ages(kept):
    return sorted((NOW - moment).days for moment in kept)


def test_a_year_of_nights_leaves_days_weeks_and_months():
    """29 November is a Sunday: the weeks' newest are Sundays, the months' newest their last days."""
    assert ages(keeping.kept(nights(365))) == [0, 1, 2, 3, 4, 5, 6, 7, 14, 21, 29, 60, 90, 121, 152]


def test_few_stay_all():
    assert keeping.kept(nights(5)) == {*nights(5)}
    assert keeping.kept([]) == set()


def test_several_a_day_leave_the_newest_of_each_day():
    made = [NOW - timedelta(hours=6 * n) for n in range(12)]
    kept = keeping.kept(made)
    assert NOW in kept
    assert {moment.date() for moment in kept} == {moment.date() for moment in made}
    assert len(kept) == 4


def test_the_last_that_was_restored_stays_however_old():
    old = NOW - timedelta(days=400)
    made = [*nights(30), old]
    assert old in keeping.kept(made, restored=old)
    assert old not in keeping.kept([*nights(30), *nights(300, NOW - timedelta(days=31)), old])


def test_one_that_is_gone_is_not_kept():
    assert keeping.kept([NOW], restored=NOW - timedelta(days=1)) == {NOW}


def test_days_without_a_backup_do_not_count():
    made = [NOW - timedelta(days=10 * n) for n in range(7)]
    assert keeping.kept(made) == {*made}
