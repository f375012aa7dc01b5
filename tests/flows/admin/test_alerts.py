"""Alerts as an administrator meets them: the message, what to do, quiet for an hour, and what fires now."""

from tests.flows.chat import words


async def test_an_alert_comes_by_itself_and_is_quiet_for_an_hour_when_asked(administrator, shop):
    dina = await administrator()
    me = dina.user["id"]
    letter = "insert into dead_letters (bot, update_id, payload, error, tries) values ('client', %s, '{}', 'E', 3)"
    await shop.rows(f"{letter} returning id", -me)
    seen = "now() - interval '11 minutes'"  # so long ago, and nobody has dealt with it
    await shop.rows(
        "insert into alerts (name, severity, state, since)"
        f" values ('letters', 'page', 'pending', {seen}) on conflict (name, label) do update"
        f" set state = 'pending', since = {seen}, fired_at = null, resolved_at = null, good_since = null returning name"
    )
    await shop.rows("delete from muted_alerts where tg_id = %s returning tg_id", me)
    try:
        await shop._redis("UNLINK", "local:alerts_looked")
        await shop.drain_again()
        await shop.stack.tick()
        await dina.sees("🔴 Тревоги: \\d.*Необработанные сообщения: \\d+ · 11 мин\nОткройте «Сбои»")
        await dina.presses("На час")
        await dina.sees("Тревог сейчас: \\d.*Необработанные.*🔕 Молчим до .*О новых тревогах напишем")
        await shop._redis("SET", f"local:alert_mute:{me}:letters", "4000000000")  # as until morning, whatever the hour
        await dina.presses("На час")
        await dina.sees("🔕 Молчим до 2 октября 2096")
        await dina.presses("Снова сообщать")
        assert "Молчим" not in words(await dina.sees("Тревог сейчас: \\d"))
        await dina.presses("Назад")
        await dina.presses("Тревоги")
        await dina.sees("Тревог сейчас: \\d.*Необработанные сообщения")
    finally:
        await shop.rows("insert into muted_alerts values (%s, 'alarm') returning tg_id", me)
        await shop.rows("delete from dead_letters where update_id = %s returning id", -me)
        await shop.rows("delete from alerts returning name")


async def test_a_quiet_platform_says_so_and_is_muted_by_nothing(dina, shop):
    await shop.rows("delete from alerts returning name")
    await dina.says("/menu")
    await dina.forges("alerts:mute:hour")
    await dina.sees("✅ Тревог нет")
    await dina.forges("alerts:mute:for ever")
    await dina.sees("✅ Тревог нет")
