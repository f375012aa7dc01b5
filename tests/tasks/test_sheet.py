"""A shop's lists as files: what they are called, when they come, and when they do not."""

import zipfile
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import openpyxl
import pytest

from lib import config, db, errors
from lib.jobs import table
from lib.jobs.run import Run
from lib.jobs.table import NewJob
from lib.loyalty import partners, points
from lib.studio.orders import Order
from lib.tables import source
from lib.tasks import sheet
from lib.tasks.sheet import RowOwner, SheetOrder
from lib.telegram.client import Chat
from tests import factories
from tests.loyalty_lab import NOW, make_member, make_shop, new_key

MARCH = {"since": "2026-03-01", "until": "2026-03-31"}


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:
        yield conn


@pytest.fixture
async def shop(conn):
    """A shop with five bills of Anna's in March."""
    made = await make_shop(conn)
    anna = await make_member(conn, made, name="=Анна")
    for day in range(5):
        at = NOW + timedelta(days=day)
        await points.accrue(conn, made.id, anna.id, made.cashier.id, bill_minor=100_050, key=new_key(), now=at)
    return made


class Telegram:
    """What the bot says, changes, takes away and sends; `refusal` is what it answers to a file."""

    def __init__(self) -> None:
        self.said, self.edited, self.deleted = [], [], []
        self.files: dict[str, bytes] = {}
        self.captions: list[str] = []
        self.refusal: Exception | None = None

    async def say(self, chat, words, keyboard=None):
        self.said.append((chat.id, words, [key.data for row in keyboard or [] for key in row]))
        return 700 + len(self.said)

    async def edit(self, chat, message_id, words, keyboard=None):
        self.edited.append((message_id, words))
        return True

    async def delete(self, chat, message_id):
        self.deleted.append(message_id)
        return True

    async def send_document(self, chat, picture, caption=""):
        if self.refusal:
            raise self.refusal
        self.files[picture.name] = picture.path.read_bytes()
        self.captions.append(caption)


@pytest.fixture
def telegram(monkeypatch):
    one = Telegram()
    for name in ("say", "edit", "delete", "send_document"):
        method = getattr(one, name)
        monkeypatch.setattr(Chat, name, lambda chat, *more, method=method, **fields: method(chat, *more, **fields))
    return one


@pytest.fixture
def disk(monkeypatch, tmp_path):
    """Where files are made."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def no_kick(monkeypatch):
    async def kick():
        pass

    monkeypatch.setattr("lib.jobs.kick.drain", kick)


async def begun(conn, shop, *, minutes=5, **args):
    """Order a file as the owner and return its run, as a worker has it."""
    asked = {"bot": "partner", "partner_id": shop.id, "what": "operations", "form": "xlsx", **MARCH, **args}
    await table.create_free_jobs(conn, "sheet", [NewJob(shop.owner.id, new_key(), asked)])
    [found] = await table.fetch_next_queued_job(conn, ["sheet"], timedelta(minutes=2))
    return Run(found, datetime.now(UTC) + timedelta(minutes=minutes))


async def done(conn, shop, **args):
    run = await begun(conn, shop, **args)
    await sheet.run(run)
    return run


def opened(raw, disk):
    path = disk / "seen.xlsx"
    path.write_bytes(raw)
    return openpyxl.load_workbook(path)


async def test_a_workbook_has_the_shop_the_list_and_the_period_in_its_name(conn, shop, telegram, disk):
    await done(conn, shop)
    [(name, raw)] = telegram.files.items()
    assert name == "Кофейня Операции 2026-03-01_2026-03-31.xlsx"
    assert telegram.captions == ["📄 Операции: Кофейня, 1 марта 2026 – 31 марта 2026. Строк: 5."]
    rows = [[cell.value for cell in row] for row in opened(raw, disk)["Операции"].iter_rows(min_row=2)]
    assert [row[1] for row in rows] == [datetime(2026, 3, 10 + day, 15, 0) for day in range(5)]
    assert {row[4] for row in rows} == {"=Анна"}
    assert sum(row[5] for row in rows) == pytest.approx(5002.5)
    assert [path.name for path in disk.iterdir()] == ["seen.xlsx"], "nothing stays on the disk"
    assert telegram.said == [], "what takes no time says nothing of it"


async def test_a_csv_of_all_time_has_the_last_day_in_its_name(conn, shop, telegram, disk):
    await done(conn, shop, form="csv", since="", what="clients", until="2027-01-01")
    [(name, raw)] = telegram.files.items()
    assert name == "Кофейня Клиенты 2027-01-01.csv"
    assert raw.decode("utf-8-sig").splitlines()[1].split(";")[1] == "'=Анна"
    assert "за всё время" in telegram.captions[0]


async def test_days_are_days_of_the_shop(conn, shop, telegram, disk):
    await done(conn, shop, form="csv", since="2026-03-11", until="2026-03-12")
    [raw] = telegram.files.values()
    assert [line.split(";")[1] for line in raw.decode().splitlines()[1:]] == ["11.03.2026 15:00", "12.03.2026 15:00"]
    telegram.files.clear()
    await conn.execute("update partners set tz = 'Asia/Vladivostok' where id = %s", (shop.id,))
    await done(conn, shop, form="csv", since="2026-03-11", until="2026-03-11")
    [raw] = telegram.files.values()
    assert [line.split(";")[1] for line in raw.decode().splitlines()[1:]] == ["11.03.2026 22:00"]


async def test_what_was_ordered_before_there_was_a_choice_is_a_year_as_csv(telegram):
    assert SheetOrder.read({"what": "operations"}, NOW) == SheetOrder(
        "operations", "csv", date(2025, 3, 9), date(2026, 3, 10)
    )
    assert SheetOrder.read({"what": "clients"}, NOW).since is None


async def test_an_owner_who_was_let_go_gets_nothing(conn, shop, telegram):
    run = await begun(conn, shop)
    await conn.execute("update staff set removed_at = now() where partner_id = %s", (shop.id,))
    await sheet.run(run)
    assert telegram.files == {}


async def test_one_who_is_let_go_while_it_is_made_gets_nothing(conn, shop, telegram, disk, monkeypatch):
    async def let_go(notice, done):
        await conn.execute("update staff set removed_at = now() where partner_id = %s", (shop.id,))

    monkeypatch.setattr(sheet.SheetNotice, "tell", let_go)
    await done(conn, shop)
    assert telegram.files == {}
    assert [*disk.iterdir()] == []


async def test_a_long_file_says_how_far_it_is_and_then_no_more(conn, shop, telegram, disk, monkeypatch):
    monkeypatch.setattr(sheet, "EVERY", 0.0)
    monkeypatch.setattr(source, "PAGE", 2)
    run = await done(conn, shop)
    assert telegram.said == [(shop.owner.tg_id, "📄 Готовлю выгрузку, 40\u00a0%", [f"exports:stop:{run.id}"])]
    assert telegram.edited == [(701, "📄 Готовлю выгрузку, 80\u00a0%"), (701, "📄 Готовлю выгрузку, 99\u00a0%")]
    assert telegram.deleted == [701]
    assert len(telegram.files) == 1


async def test_one_that_is_wanted_no_longer_stops_and_leaves_nothing(conn, shop, telegram, disk, monkeypatch):
    monkeypatch.setattr(sheet, "EVERY", 0.0)
    monkeypatch.setattr(source, "PAGE", 2)
    run = await begun(conn, shop)
    say = telegram.say

    async def say_and_stop(*more):
        await table.ask_to_cancel(conn, run.id)
        return await say(*more)

    telegram.say = say_and_stop
    monkeypatch.setattr(Chat, "say", lambda chat, *more: telegram.say(chat, *more))
    with pytest.raises(errors.Conflict, match="cancelled"):
        await sheet.run(run)
    assert telegram.files == {}
    assert [*disk.iterdir()] == []


async def test_a_stopped_one_says_so_where_it_said_how_far_it_was(conn, shop, telegram, disk, monkeypatch):
    monkeypatch.setattr(sheet, "EVERY", 0.0)
    monkeypatch.setattr(source, "PAGE", 2)
    run = await begun(conn, shop)
    await run.save(message_id=55)
    await table.ask_to_cancel(conn, run.id)
    with pytest.raises(errors.Conflict, match="cancelled"):
        await sheet.run(run)
    assert telegram.edited == [(55, "Выгрузку отменили.")]


async def test_what_telegram_would_not_take_comes_in_parts(conn, shop, telegram, disk, monkeypatch):
    monkeypatch.setattr(source, "PAGE", 2)
    monkeypatch.setattr(sheet, "PART", -1)
    await done(conn, shop)
    names = [f"Кофейня Операции 2026-03-01_2026-03-31{more}.xlsx" for more in ("", " (2)", " (3)")]
    assert [*telegram.files] == names
    numbers = [opened(raw, disk)["Операции"].max_row - 1 for raw in telegram.files.values()]
    assert numbers == [2, 2, 1]


async def test_a_part_that_came_does_not_come_again(conn, shop, telegram, disk, monkeypatch):
    monkeypatch.setattr(source, "PAGE", 2)
    monkeypatch.setattr(sheet, "PART", -1)
    run = await begun(conn, shop)
    await run.save(sent=2)
    await sheet.run(run)
    assert [*telegram.files] == ["Кофейня Операции 2026-03-01_2026-03-31 (3).xlsx"]


async def test_a_large_csv_comes_packed(conn, shop, telegram, disk, monkeypatch):
    monkeypatch.setattr("lib.tables.lines.PLAIN", 100)
    await done(conn, shop, form="csv")
    [(name, raw)] = telegram.files.items()
    assert name == "Кофейня Операции 2026-03-01_2026-03-31.csv.zip"
    (disk / "seen.zip").write_bytes(raw)
    with zipfile.ZipFile(disk / "seen.zip") as packed:
        assert packed.namelist() == ["Кофейня Операции 2026-03-01_2026-03-31.csv"]


async def test_a_worker_without_the_time_for_it_leaves_it_to_the_next_once(conn, shop, telegram, disk, monkeypatch):
    monkeypatch.setattr(sheet, "PACE", 0.01)
    run = await done(conn, shop)
    assert run.waits_until == run.until
    assert telegram.files == {}
    await sheet.run(run)
    assert len(telegram.files) == 1, "a history that is longer than any worker's time is tried all the same"


async def test_a_person_who_has_stopped_the_bot_costs_no_second_try(conn, shop, telegram, disk):
    telegram.refusal = errors.Blocked("blocked")
    await done(conn, shop)
    assert telegram.files == {}


async def test_a_fault_of_telegrams_is_tried_again(conn, shop, telegram, disk):
    telegram.refusal = errors.Unavailable("telegram")
    with pytest.raises(errors.Unavailable):
        await done(conn, shop)
    assert [*disk.iterdir()] == []


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("../../etc/passwd", "etc passwd Операции"),
        ('Кафе «Зерно» "и" <Ко>', "Кафе Зерно и Ко Операции"),
        ("\u202eлатте", "латте Операции"),
        ("***", "Операции"),
        ("Очень " * 20, "Очень Очень Очень Очень Очень Очень Очен Операции"),
    ],
)
def test_a_files_name_is_safe_whatever_the_shop_is_called(title, name):
    order = SheetOrder("operations", "csv", None, date(2026, 3, 10))
    export = sheet.Export(order, RowOwner("shop", 1, title, "UTC"), SimpleNamespace(language="ru"), 0, None)
    assert export.name(1) == f"{name} 2026-03-10"


async def test_a_file_from_a_copy_says_as_of_when_it_is(conn, shop, telegram, disk, monkeypatch, database):
    monkeypatch.setenv("DATABASE_READ_URL", database.url)
    config.get.cache_clear()
    try:
        await done(conn, shop)
    finally:
        config.get.cache_clear()
    [raw] = telegram.files.values()
    assert "\nДанные на " in telegram.captions[0]
    about = {row[0].value: row[1].value for row in opened(raw, disk)["О файле"].iter_rows()}
    assert about["Магазин"] == "Кофейня"
    assert about["Период"] == "1 марта 2026 – 31 марта 2026"
    assert about["Данные на"] in telegram.captions[0]


async def test_the_english_file_of_an_english_owner(conn, shop, telegram, disk):
    await conn.execute("update users set language = 'en' where id = %s", (shop.owner.id,))
    await done(conn, shop)
    [(name, raw)] = telegram.files.items()
    assert name == "Кофейня Operations 2026-03-01_2026-03-31.xlsx"
    assert opened(raw, disk).sheetnames == ["Operations", "About"]


async def test_rows_are_of_one_moment(conn, shop, database):
    """What is written while the pages are read is not in them: sums agree with each other."""
    partner = await partners.get(conn, shop.id)
    since, until = NOW - timedelta(days=1), NOW + timedelta(days=30)
    async with db.snapshot() as (reader, as_of):
        assert as_of is None
        before = await sheet.SOURCES["operations"].number(reader, partner.id, since, until)
        boris = await make_member(conn, shop)
        bill = {"bill_minor": 100_000, "key": new_key(), "now": NOW}
        await points.accrue(conn, shop.id, boris.id, shop.cashier.id, **bill)
        pages = [page async for page in sheet.SOURCES["operations"].pages(reader, partner.id, since, until)]
        assert before == sum(map(len, pages)) == 5
    assert await sheet.SOURCES["operations"].number(conn, partner.id, since, until) == 6


async def test_every_list_is_read_and_written(conn, shop, telegram, disk):
    for what in sheet.SOURCES:
        await done(conn, shop, what=what)
    names = [name.split(" ")[1] for name in telegram.files]
    assert names == ["Клиенты", "Операции", "Заявки", "Рассылки", "Заказы"], "everybody's orders are no shop owner's"


async def test_reversals_whose_other_half_is_in_another_period_are_named(conn, shop, telegram, disk):
    [(first,), *_, (last,)] = await (
        await conn.execute(
            "select id from point_txns where partner_id = %s and kind = 'accrue' order by id", (shop.id,)
        )
    ).fetchall()
    for number, day in ((first, 3), (last, 40)):
        at = NOW + timedelta(days=day)
        await points.reverse(conn, shop.id, number, shop.owner.id, reason="ошибка", key=new_key(), now=at)
    await done(conn, shop, since="2026-03-12")
    [raw] = telegram.files.values()
    assert "\nОтмен того, что было до этого периода: 1. Самих операций в файле нет." in telegram.captions[0]
    assert "\nОтменили уже после этого периода: 1. Строк об отмене в файле нет." in telegram.captions[0]
    told = [row[1].value for row in opened(raw, disk)["О файле"].iter_rows() if row[0].value == "Отмены"]
    assert len(told) == 2
    telegram.captions.clear()
    await done(conn, shop, since="2026-03-01", until="2026-05-31")
    assert "Отмен" not in telegram.captions[0], "both halves are in the file"


async def ordered(conn, user, *, title, state="done", charged=0, **args):
    """Put an order of the studio into the history, with its credits."""
    asked = Order(bot="studio", chat_id=1, message_id=1, language="ru", file_id="f", title=title, **args).args()
    await factories.make_job(conn, user, task="card", args=asked, price=charged, priority=1000)
    [job] = await table.fetch_next_queued_job(conn, ["card"], factories.LEASE)
    await table.update_job_status(conn, job, state, error_code="internal" if state == "failed" else None)
    return job.id


@pytest.mark.long
async def test_a_sellers_orders_are_their_own_and_everybodys_an_administrators(conn, telegram, disk, monkeypatch):
    shop = await make_shop(conn)
    alice, bob = [await factories.make_user(conn, first_name=name, credits=9) for name in ("Алиса", "=Боб")]
    await ordered(conn, alice, title="1-2", charged=3)
    lost = await ordered(conn, alice, title="Кружка", state="failed", charged=2, product="set", count=4)
    await ordered(conn, bob, title="Чужое", mends=1)
    seller, ever = SimpleNamespace(id=shop.id, owner=alice), {"since": "", "until": "2100-01-01"}
    await done(conn, seller, what="orders", **ever)
    [(name, raw)] = telegram.files.items()
    assert name == "Алиса Заказы 2100-01-01.xlsx"
    rows = [[cell.value for cell in row] for row in opened(raw, disk)["Заказы"].iter_rows(min_row=2)]
    assert [row[2:8] for row in rows] == [
        ["Карточка товара", "1-2", 1, "готов", 3, 0],
        ["Набор карточек", "Кружка", 4, "не получился", 2, 2],
    ]
    assert rows[1][0] == lost
    telegram.files.clear()
    monkeypatch.setenv("ADMIN_IDS", str(alice.tg_id))
    config.get.cache_clear()
    await done(conn, seller, what="every_order", form="csv", **ever)
    config.get.cache_clear()
    [(name, raw)] = telegram.files.items()
    assert name == "Студия Заказы 2100-01-01.csv"
    last = raw.decode("utf-8-sig").splitlines()[-1].split(";")
    assert (last[2], last[3], last[-2], last[-1]) == ("Бесплатная правка", "Чужое", "'=Боб", str(bob.tg_id))
