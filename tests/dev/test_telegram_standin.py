"""The Telegram stand-in against the real python-telegram-bot, over real HTTP, and a webhook that answers as told."""

import asyncio
import contextlib
import io
import json
import struct
import time
import zlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from telegram import (
    Bot,
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    InputMediaDocument,
    InputMediaPhoto,
    KeyboardButton,
    LabeledPrice,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    Update,
    error,
)
from telegram.constants import ParseMode
from telegram.request import HTTPXRequest

from dev import serving
from dev.telegram import Hooks, World, bot_api, control, control_api, delivery, faults, markup

ALICE, BOB = 1001, 1002
OK_BUTTON = InlineKeyboardMarkup([[InlineKeyboardButton("OK", callback_data="card:ok")]])


class Webhook:
    """A webhook that notes what came and answers 200, or what it was told to."""

    def __init__(self) -> None:
        self.came: list[tuple[float, Update]] = []
        self.secrets: list[str] = []
        self.answers: deque[Response] = deque()
        self.handle: Callable[[Update], Awaitable[None]] | None = None
        self.busy = self.busiest = 0

    async def endpoint(self, request: Request) -> Response:
        update = Update.de_json(await request.json(), None)
        assert not update.api_kwargs
        self.came.append((time.monotonic(), update))
        self.secrets.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token", ""))
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            if self.handle:
                await self.handle(update)
        finally:
            self.busy -= 1
        return self.answers.popleft() if self.answers else Response()

    @property
    def updates(self) -> list[Update]:
        return [update for _, update in self.came]


class Lab:
    """A world served over HTTP, the studio bot's client, and the control API."""

    def __init__(self, world: World, webhook: Webhook, address: str) -> None:
        self.world, self.webhook, self.address = world, webhook, address
        self.requests: list[HTTPXRequest] = []
        self.bot = self.bot_of("studio")
        self.sim = httpx.AsyncClient(base_url=f"{address}/sim", timeout=40, trust_env=False, verify=False)

    def bot_of(self, name: str, read_timeout: float = 10) -> Bot:
        request = HTTPXRequest(read_timeout=read_timeout, httpx_kwargs={"trust_env": False, "verify": False})
        self.requests.append(request)
        base, token = f"{self.address}/telegram", self.world.bots[name].account.token
        return Bot(
            token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=request,
            get_updates_request=request,
        )

    async def close(self) -> None:
        await self.sim.aclose()
        for request in self.requests:
            await request.shutdown()

    async def listen(self, **options: Any) -> None:
        await self.bot.set_webhook(f"{self.address}/hook", secret_token="s3cret", **options)

    async def act(self, what: str, *, user: int = ALICE, wait: bool = True, bot: str = "studio", **body: Any) -> Any:
        path = f"/chats/{bot}/{user}/{what}" + ("?wait=1" if wait else "")
        answer = await self.sim.post(path, json=body.get("raw", body))
        return answer.raise_for_status().json()

    async def upload(self, *files: tuple[str, bytes], kind: str = "photo", caption: str = "", wait: int = 1) -> Any:
        parts = [("files", (name, data, "application/octet-stream")) for name, data in files]
        path = f"/chats/studio/{ALICE}/upload?wait={wait}"
        return (await self.sim.post(path, files=parts, data={"as": kind, "caption": caption})).json()

    async def history(self, user: int = ALICE) -> Any:
        return (await self.sim.get(f"/chats/studio/{user}")).json()


class Stage:
    """One server for all tests, with the app of the test that runs."""

    def __init__(self) -> None:
        self.app: ASGIApp = Starlette()
        self.address = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    @contextlib.asynccontextmanager
    async def play(self, world: World) -> AsyncIterator[Lab]:
        """Start a world and put it on."""
        webhook = Webhook()
        mounts = [Mount("/telegram", bot_api(world)), Mount("/sim", control_api(world, world.hooks))]
        self.app = Starlette(routes=[*mounts, Route("/hook", webhook.endpoint, methods=["POST"])])
        await world.start()
        lab = Lab(world, webhook, self.address)
        try:
            yield lab
        finally:
            await world.stop()
            await lab.close()


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    """The server."""
    stage = Stage()
    async with serving.serve(stage) as stage.address:
        yield stage


@pytest.fixture
async def lab(stage: Stage) -> AsyncIterator[Lab]:
    """A fresh Telegram in which Alice has started the studio bot; every call must be as the Bot API defines it."""
    world = World(time_scale=0.01)
    async with stage.play(world) as lab:
        await lab.listen()
        await lab.act("text", text="/start")
        lab.webhook.came.clear()
        yield lab
    assert world.problems == []


def picture(width: int = 2000, height: int = 1000, kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, kind)
    return out.getvalue()


def bomb() -> bytes:
    """Return a tiny PNG that says it has 400 million pixels."""
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    packed = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


async def until(true: Callable[[], Any], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


# Sending and editing


async def test_send_message_keeps_entities_in_utf16_and_shows_safe_html(lab: Lab) -> None:
    sent = await lab.bot.send_message(ALICE, "🎉 <b>A&amp;B</b> &lt;script&gt;", parse_mode=ParseMode.HTML)
    assert sent.text == "🎉 A&B <script>"
    assert (sent.entities[0].type, sent.entities[0].offset, sent.entities[0].length) == ("bold", 3, 3)
    shown = (await lab.history())["messages"][-1]
    assert shown["sim"]["html"] == "🎉 <b>A&amp;B</b> &lt;script&gt;"
    assert not shown["sim"]["outgoing"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<big>x</big>", 'Can\'t parse entities: unsupported start tag "big" at byte offset 0'),
        ("я<b>x", "Can't parse entities: can't find end tag corresponding to start tag \"b\""),
        ("<b>x</i>", 'Can\'t parse entities: unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("", "Message text is empty"),
        ("я" * 4097, "Message is too long"),
    ],
)
async def test_send_message_refuses_what_telegram_refuses(lab: Lab, text: str, words: str) -> None:
    with pytest.raises(error.BadRequest) as refusal:
        await lab.bot.send_message(ALICE, text, parse_mode=ParseMode.HTML)
    assert refusal.value.message.lower() == words.lower()


async def test_long_callback_data_is_refused(lab: Lab) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data="я" * 33)]])
    with pytest.raises(error.BadRequest, match="Button_data_invalid"):
        await lab.bot.send_message(ALICE, "x", reply_markup=keyboard)


async def test_a_chat_that_was_never_started_is_forbidden(lab: Lab) -> None:
    with pytest.raises(error.Forbidden, match="can't initiate"):
        await lab.bot.send_message(BOB, "hello")
    with pytest.raises(error.BadRequest, match="Chat not found"):
        await lab.bot.send_message(4242, "hello")


async def test_the_same_text_again_is_not_modified(lab: Lab) -> None:
    sent = await lab.bot.send_message(ALICE, "one", reply_markup=OK_BUTTON)
    with pytest.raises(error.BadRequest, match="Message is not modified: specified new message content and reply"):
        await lab.bot.edit_message_text("one", ALICE, sent.message_id, reply_markup=OK_BUTTON)
    edited = await lab.bot.edit_message_text("one", ALICE, sent.message_id)
    assert edited.reply_markup is None
    assert edited.edit_date


async def test_edits_of_what_is_not_there_are_refused(lab: Lab) -> None:
    photo = await lab.bot.send_photo(ALICE, picture())
    with pytest.raises(error.BadRequest, match="Message to edit not found"):
        await lab.bot.edit_message_text("x", ALICE, 999)
    with pytest.raises(error.BadRequest, match="There is no text in the message to edit"):
        await lab.bot.edit_message_text("x", ALICE, photo.message_id)
    await lab.bot.delete_message(ALICE, photo.message_id)
    with pytest.raises(error.BadRequest, match="Message to edit not found"):
        await lab.bot.edit_message_caption(ALICE, photo.message_id, caption="x")


async def test_a_text_becomes_a_picture_and_another_picture(lab: Lab) -> None:
    status = await lab.bot.send_message(ALICE, "queued")
    media = InputMediaPhoto(InputFile(picture(900, 1200), attach=True), caption="<b>done</b>", parse_mode="HTML")
    card = await lab.bot.edit_message_media(media, ALICE, status.message_id, reply_markup=OK_BUTTON)
    assert (card.text, card.caption, card.photo[-1].width) == (None, "done", 900)
    again = await lab.bot.edit_message_media(InputMediaPhoto(card.photo[-1].file_id), ALICE, status.message_id)
    assert again.photo == card.photo
    assert again.caption is None


async def test_a_document_keeps_its_bytes_and_answers_a_message(lab: Lab) -> None:
    sent = await lab.bot.send_message(ALICE, "queued")
    file = picture(300, 400, "PNG")
    document = await lab.bot.send_document(ALICE, file, filename="card.png", reply_to_message_id=sent.message_id)
    assert document.reply_to_message.message_id == sent.message_id
    assert (document.document.mime_type, document.document.thumbnail.height) == ("image/png", 320)
    loaded = await (await lab.bot.get_file(document.document.file_id)).download_as_bytearray()
    assert bytes(loaded) == file
    by_id = await lab.bot.send_document(ALICE, document.document.file_id)
    assert by_id.document.file_unique_id == document.document.file_unique_id


async def test_an_album_is_several_messages_of_one_group(lab: Lab) -> None:
    sent = await lab.bot.send_media_group(ALICE, [InputMediaPhoto(picture(100, 100)), InputMediaPhoto(picture(90, 90))])
    assert len({one.media_group_id for one in sent}) == 1
    mixed = [InputMediaPhoto(sent[0].photo[0].file_id), InputMediaDocument(picture(50, 50))]
    with pytest.raises(error.BadRequest, match="can't be mixed"):
        await lab.bot.send_media_group(ALICE, mixed)


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        (picture(3000, 100), "Photo_invalid_dimensions"),
        (picture(9000, 1200, "PNG"), "Photo_invalid_dimensions"),
        (b"no picture", "Image_process_failed"),
    ],
)
async def test_a_bad_photo_is_refused(lab: Lab, photo: bytes, words: str) -> None:
    with pytest.raises(error.BadRequest, match=words):
        await lab.bot.send_photo(ALICE, photo)


async def test_a_file_id_belongs_to_one_bot_and_one_kind(lab: Lab) -> None:
    photo = (await lab.bot.send_photo(ALICE, picture())).photo[-1]
    await lab.act("text", bot="client", wait=False, text="/start")
    with pytest.raises(error.BadRequest, match="Wrong file_id"):
        await lab.bot_of("client").send_photo(ALICE, photo.file_id)
    with pytest.raises(error.BadRequest, match="Can't use file of type photo as document"):
        await lab.bot.send_document(ALICE, photo.file_id)


async def test_reply_keyboards_come_and_go(lab: Lab) -> None:
    contact = ReplyKeyboardMarkup([[KeyboardButton("My number", request_contact=True)], ["No"]], resize_keyboard=True)
    sent = await lab.bot.send_message(ALICE, "Your number?", reply_markup=contact)
    assert sent.reply_markup is None
    assert (await lab.history())["reply_keyboard"]["keyboard"][1] == [{"text": "No"}]
    await lab.bot.send_message(ALICE, "Thanks", reply_markup=ReplyKeyboardRemove())
    assert (await lab.history())["reply_keyboard"] is None


async def test_a_chat_action_is_over_with_the_next_message(lab: Lab) -> None:
    await lab.bot.send_chat_action(ALICE, "upload_photo")
    assert (await lab.history())["action"] == "upload_photo"
    await lab.bot.send_message(ALICE, "here")
    assert (await lab.history())["action"] is None


async def test_commands_are_kept_by_scope_and_language(lab: Lab) -> None:
    await lab.bot.set_my_commands([BotCommand("start", "Start")])
    await lab.bot.set_my_commands([BotCommand("start", "Начать")], language_code="ru")
    assert (await lab.bot.get_my_commands(language_code="ru"))[0].description == "Начать"
    state = (await lab.sim.get("/state")).json()
    assert state["bots"][0]["commands"] == [{"command": "start", "description": "Начать"}]
    assert state["users"][0]["first_name"] == "Анна"


async def test_unknown_methods_and_tokens(lab: Lab) -> None:
    token = lab.world.bots["studio"].account.token
    async with httpx.AsyncClient(base_url=f"{lab.address}/telegram", trust_env=False) as client:
        unknown = await client.post(f"/bot{token}/sendDream")
        stranger = await client.post("/bot1:wrong/getMe")
    assert (unknown.status_code, unknown.json()["error_code"]) == (404, 404)
    assert stranger.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}
    assert lab.world.problems == [f"sendDream: no such method in {lab.world.spec.version}"] * bool(
        lab.world.spec.version
    )
    lab.world.problems.clear()


async def test_a_call_that_breaks_the_definition_is_a_problem(lab: Lab) -> None:
    if not lab.world.spec.methods:
        pytest.skip("the definition of the Bot API is not here")
    await lab.bot.send_message(ALICE, "x", api_kwargs={"colour": "red"})
    await lab.bot.send_chat_action(ALICE, "typing", message_thread_id="soon")
    problems = list(lab.world.problems)
    lab.world.problems.clear()
    assert problems[0] == "sendMessage: unknown field colour"
    assert "sendChatAction.message_thread_id: expected Integer" in problems[1]


# Uploads by people


async def test_a_photo_arrives_recompressed_in_sizes(lab: Lab) -> None:
    sent = await lab.upload(("cup.png", picture(2000, 1500, "PNG")), caption="a cup")
    message = lab.webhook.updates[0].message
    assert [one.width for one in message.photo] == [90, 320, 800, 1280]
    assert message.caption == "a cup"
    loaded = await (await lab.bot.get_file(message.photo[-1].file_id)).download_as_bytearray()
    assert Image.open(io.BytesIO(loaded)).size == (1280, 960)
    shown = await lab.sim.get(sent["message"]["sim"]["files"][message.photo[-1].file_id].removeprefix("/sim"))
    assert shown.content == bytes(loaded)
    assert shown.headers["content-security-policy"] == "sandbox"


async def test_an_album_is_one_update_each_with_one_group(lab: Lab) -> None:
    sent = await lab.upload(*[(f"{n}.jpg", picture(60, 60)) for n in range(3)], caption="three")
    messages = [one.message for one in lab.webhook.updates]
    assert [one.update_id for one in lab.webhook.updates] == sent["update_ids"]
    assert len({one.media_group_id for one in messages}) == 1
    assert [one.caption for one in messages] == ["three", None, None]


async def test_what_is_no_picture_goes_as_a_file_only(lab: Lab) -> None:
    answer = await lab.upload(("x.heic", b"\0\0\0\x18ftypheic"))
    assert answer["error"]["code"] == "not_a_photo"
    await lab.upload(("x.heic", b"\0\0\0\x18ftypheic"), kind="document")
    assert lab.webhook.updates[0].message.document.mime_type == "image/heic"
    assert (await lab.upload(("bomb.png", bomb())))["error"]["code"] == "not_a_photo"
    await lab.upload(("bomb.png", bomb()), kind="document")
    assert lab.webhook.updates[1].message.document.thumbnail is None


async def test_get_file_serves_20_megabytes_at_most(lab: Lab) -> None:
    await lab.upload(("big.bin", bytes(20 * 1024 * 1024 + 1)), kind="document")
    with pytest.raises(error.BadRequest, match="File is too big"):
        await lab.bot.get_file(lab.webhook.updates[0].message.document.file_id)


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
async def test_stickers_voices_films_and_contacts_arrive(lab: Lab) -> None:
    await lab.upload(("s.webp", picture(512, 512, "WEBP")), kind="sticker")
    await lab.upload(("v.ogg", b"OggS" + bytes(9000)), kind="voice")
    await lab.upload(("f.mp4", b"\0\0\0\x18ftypmp42"), kind="video")
    await lab.act("contact")
    sticker, voice, video, contact = [one.message for one in lab.webhook.updates]
    assert sticker.sticker.width == 512
    assert voice.voice.duration == 2
    assert video.video.mime_type == "video/mp4"
    assert contact.contact.user_id == ALICE


async def test_a_text_over_4096_leaves_as_two_messages(lab: Lab) -> None:
    sent = await lab.act("text", text="я" * 5000)
    assert [len(one.message.text) for one in lab.webhook.updates] == [4096, 904]
    assert len(sent["update_ids"]) == 2


# Delivery


async def test_updates_carry_the_secret_and_count_up(lab: Lab) -> None:
    await lab.act("text", text="one")
    await lab.act("text", text="two")
    first, second = lab.webhook.updates
    assert second.update_id == first.update_id + 1
    assert set(lab.webhook.secrets) == {"s3cret"}


async def test_a_press_is_answered_once_with_a_toast(lab: Lab) -> None:
    sent = await lab.bot.send_message(ALICE, "Sure?", reply_markup=OK_BUTTON)

    async def answer(update: Update) -> None:
        await lab.bot.answer_callback_query(update.callback_query.id, "Done", show_alert=True)

    lab.webhook.handle = answer
    pressed = await lab.act("press", message_id=sent.message_id, data="card:ok")
    assert pressed["callback_answer"] == {"text": "Done", "show_alert": True}
    assert lab.webhook.updates[0].callback_query.message.reply_markup == OK_BUTTON
    with pytest.raises(error.BadRequest, match="Query is too old and response timeout expired or query id is invalid"):
        await lab.bot.answer_callback_query(pressed["callback_query_id"])


async def test_a_failed_update_is_retried_at_once_and_then_ever_later(lab: Lab) -> None:
    lab.webhook.answers.extend([Response(status_code=500)] * 3)
    sent = await lab.act("text", text="again")
    assert sent["delivery"] | {"ms": 0} == {"state": "delivered", "attempts": 4, "status": 200, "ms": 0, "body": ""}
    trace = (await lab.sim.get(f"/updates/studio/{sent['update_id']}")).json()
    assert [one.get("next_in") for one in trace["attempts"]] == [0, 2, 4, None]
    waits = [later - sooner for (sooner, _), (later, _) in zip(lab.webhook.came, lab.webhook.came[1:], strict=False)]
    assert waits[1] >= 0.02
    assert waits[2] >= 0.04
    info = await lab.bot.get_webhook_info()
    assert info.last_error_message == "Wrong response from the webhook: 500 Internal Server Error"


def test_the_waits_double_up_to_a_minute_or_two() -> None:
    backoff = delivery.Backoff()
    waits = [backoff.next(0) for _ in range(9)]
    assert waits[:6] == [0, 2, 4, 8, 16, 32]
    assert all(60 <= one <= 120 for one in waits[6:])
    assert backoff.next(7) == 7
    assert backoff.next(9999) == 3600


async def test_retry_after_is_obeyed(lab: Lab) -> None:
    lab.webhook.answers.append(Response(status_code=503, headers={"Retry-After": "10"}))
    sent = await lab.act("text", text="busy")
    trace = (await lab.sim.get(f"/updates/studio/{sent['update_id']}")).json()
    assert [one.get("next_in") for one in trace["attempts"]] == [10, None]
    assert lab.webhook.came[1][0] - lab.webhook.came[0][0] >= 0.1


async def test_one_chat_waits_for_its_turn_and_others_do_not(lab: Lab) -> None:
    gate = asyncio.Event()

    async def hold(update: Update) -> None:
        if update.message and update.message.text == "first":
            await gate.wait()

    lab.webhook.handle = hold
    keyboard = await lab.bot.send_message(ALICE, "x", reply_markup=OK_BUTTON)
    await lab.act("text", wait=False, text="first")
    await lab.act("text", wait=False, text="second")
    await lab.act("press", message_id=keyboard.message_id, data="card:ok")
    await lab.act("text", user=BOB, text="third")
    assert [one.message.text if one.message else "press" for one in lab.webhook.updates] == ["first", "press", "third"]
    assert (await lab.bot.get_webhook_info()).pending_update_count == 2
    gate.set()
    await until(lambda: len(lab.webhook.came) == 4)
    assert lab.webhook.updates[-1].message.text == "second"


async def test_max_connections_bounds_what_runs_at_once(lab: Lab) -> None:
    lab.world.bots["studio"].webhook.changed_at = 0
    await lab.listen(max_connections=2)

    async def slow(update: Update) -> None:
        await asyncio.sleep(0.02)

    lab.webhook.handle = slow
    users = [(await lab.sim.post("/users", json={"first_name": f"U{n}"})).json()["id"] for n in range(6)]
    assert users[0] == 1_000_000
    await asyncio.gather(*(lab.act("text", user=user, text="/start") for user in users))
    assert lab.webhook.busiest == 2


async def test_updates_wait_for_a_webhook_and_only_wanted_ones_come(stage: Stage) -> None:
    async with stage.play(World()) as lab:
        sent = await lab.act("text", wait=False, text="early")
        assert (await lab.bot.get_webhook_info()).pending_update_count == 1
        await lab.listen(allowed_updates=["message"])
        await until(lambda: lab.webhook.came)
        assert lab.webhook.updates[0].update_id == sent["update_id"]
        await lab.act("block")
        await lab.act("unblock")
        assert len(lab.webhook.came) == 1


async def test_a_dead_function_is_tried_again(stage: Stage) -> None:
    async with stage.play(World(time_scale=0.01)) as lab:
        await lab.bot.set_webhook("http://127.0.0.1:1/hook")
        await lab.act("text", wait=False, text="anyone?")
        record = next(iter(lab.world.updates.values()))
        await until(lambda: len(record.attempts) > 1)
        assert (await lab.bot.get_webhook_info()).last_error_message == "Connection refused"
        lab.world.bots["studio"].webhook.changed_at = 0
        await lab.listen()
        await until(lambda: record.state == "delivered")


async def test_updates_expire_and_a_webhook_long_gone_is_removed(stage: Stage) -> None:
    now = [1_800_000_000.0]
    async with stage.play(World(time_scale=0.001, clock=lambda: now[0])) as lab:
        await lab.listen()
        sent = await lab.act("text", text="/start")
        lab.webhook.answers.extend([Response(status_code=500)] * 3)

        async def later(update: Update) -> None:
            now[0] += 80

        lab.webhook.handle = later
        pressed = await lab.act("press", message_id=sent["message"]["message_id"], data="x")
        assert (pressed["delivery"]["state"], pressed["delivery"]["attempts"]) == ("expired", 2)

        async def much_later(update: Update) -> None:
            now[0] += 12 * 3600

        lab.webhook.answers.clear()
        lab.webhook.answers.extend([Response(status_code=410)] * 9)
        lab.webhook.handle = much_later
        await lab.act("text", wait=False, text="anyone?")
        await lab.act("text", wait=False, user=BOB, text="anyone?")
        await until(lambda: not lab.world.bots["studio"].webhook.url)


async def test_replay_sends_the_same_update_also_at_once(lab: Lab) -> None:
    sent = await lab.act("text", text="buy")

    async def slow(update: Update) -> None:
        await asyncio.sleep(0.05)

    lab.webhook.handle = slow
    answer = await lab.sim.post(f"/updates/studio/{sent['update_id']}/replay", json={"times": 3, "together": True})
    assert [one["status"] for one in answer.json()["attempts"]] == [200, 200, 200]
    assert {one.update_id for one in lab.webhook.updates} == {sent["update_id"]}
    assert lab.webhook.busiest == 3


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
async def test_set_webhook_twice_a_second_is_flood_unless_nothing_changes(lab: Lab) -> None:
    await lab.listen()
    with pytest.raises(error.RetryAfter):
        await lab.bot.set_webhook(f"{lab.address}/other")
    with pytest.raises(error.BadRequest, match="an https url must be provided"):
        await lab.bot.set_webhook("http://example.org/hook")


async def test_the_answer_to_a_webhook_may_hold_a_call(lab: Lab) -> None:
    body = json.dumps({"method": "sendMessage", "chat_id": ALICE, "text": "by answer"})
    lab.webhook.answers.append(Response(body, media_type="application/json"))
    await lab.act("text", text="hi")
    assert (await lab.history())["messages"][-1]["text"] == "by answer"


async def test_chats_and_undelivered_updates_survive_a_restart(stage: Stage, tmp_path: Path) -> None:
    async with stage.play(World(tmp_path)) as lab:
        await lab.upload(("a.jpg", picture()), wait=0)
        before = await lab.history()
        waiting = before["messages"][0]["sim"]["update_id"]
    async with stage.play(World(tmp_path)) as lab:
        after = await lab.history()
        assert after["messages"] == before["messages"]
        await lab.listen()
        await until(lambda: lab.webhook.came)
        assert lab.webhook.updates[0].update_id == waiting
        file_id = after["messages"][0]["photo"][-1]["file_id"]
        assert await (await lab.bot.get_file(file_id)).download_as_bytearray()
        assert (await lab.act("text", text="next"))["update_id"] == waiting + 1


# Faults


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
async def test_faults_answer_as_telegram_does(lab: Lab) -> None:
    async def fault(kind: str, **more: Any) -> None:
        await lab.sim.post("/faults", json={"method": "sendMessage", "kind": kind, **more})

    await fault("429", retry_after=7)
    with pytest.raises(error.RetryAfter) as flood:
        await lab.bot.send_message(ALICE, "x")
    assert flood.value.retry_after == 7
    await fault("403")
    with pytest.raises(error.Forbidden, match="bot was blocked by the user"):
        await lab.bot.send_message(ALICE, "x")
    await fault("500")
    with pytest.raises(error.NetworkError):
        await lab.bot.send_message(ALICE, "x")
    await lab.bot.send_message(ALICE, "well again")
    assert (await lab.sim.get("/state")).json()["faults"] == []


async def test_a_lost_answer_may_have_had_its_effect(lab: Lab) -> None:
    hasty = lab.bot_of("studio", read_timeout=0.2)
    for kind in ("timeout", "timeout_after"):
        await lab.sim.post("/faults", json={"method": "*", "kind": kind, "user_id": ALICE})
        with pytest.raises(error.TimedOut):
            await hasty.send_message(ALICE, kind)
    texts = [one.get("text") for one in (await lab.history())["messages"]]
    assert "timeout" not in texts
    assert "timeout_after" in texts


async def test_a_line_that_stays_silent_is_cut(lab: Lab) -> None:
    await lab.sim.post("/faults", json={"method": "sendMessage", "kind": "timeout", "seconds": 0.05})
    with pytest.raises(error.NetworkError):
        await lab.bot.send_message(ALICE, "x")


async def test_a_user_who_blocks_the_bot_gets_nothing(lab: Lab) -> None:
    await lab.act("block")
    change = lab.webhook.updates[0].my_chat_member
    assert (change.old_chat_member.status, change.new_chat_member.status) == ("member", "kicked")
    with pytest.raises(error.Forbidden, match="bot was blocked by the user"):
        await lab.bot.send_message(ALICE, "x")
    refused = await lab.sim.post(f"/chats/studio/{ALICE}/text", json={"text": "hi"})
    assert refused.json()["error"]["code"] == "blocked"
    await lab.act("unblock")
    await lab.bot.send_message(ALICE, "x")


def test_a_fault_is_narrowed_to_bot_and_user() -> None:
    some = faults.Faults()
    some.add({"method": "sendMessage", "kind": "403", "bot": "studio", "user_id": 5, "times": 2})
    assert some.take("studio", "getMe", 5) is None
    assert some.take("client", "sendMessage", 5) is None
    assert some.take("studio", "sendmessage", 5)
    assert some.take("studio", "sendMessage", 5)
    assert some.take("studio", "sendMessage", 5) is None


# Payments


async def invoice(lab: Lab) -> int:
    price = [LabeledPrice("100", 100)]
    sent = await lab.bot.send_invoice(ALICE, "Credits", "100 credits", "order:1", "XTR", price, provider_token="")
    return sent.message_id


async def test_stars_are_paid_listed_and_given_back(lab: Lab) -> None:
    async def agree(update: Update) -> None:
        if update.pre_checkout_query:
            await lab.bot.answer_pre_checkout_query(update.pre_checkout_query.id, ok=True)

    lab.webhook.handle = agree
    paid = await lab.act("pay", message_id=await invoice(lab))
    message = lab.webhook.updates[-1].message
    charge = message.successful_payment.telegram_payment_charge_id
    assert paid["payment"] == {"status": "paid", "charge_id": charge}
    assert message.successful_payment.invoice_payload == "order:1"
    await lab.bot.refund_star_payment(ALICE, charge)
    with pytest.raises(error.BadRequest, match="Charge_already_refunded"):
        await lab.bot.refund_star_payment(ALICE, charge)
    listed = (await lab.bot.get_star_transactions()).transactions
    assert [(one.id, bool(one.source), bool(one.receiver)) for one in listed] == [
        (charge, True, False),
        (charge, False, True),
    ]
    assert listed[0].source.user.id == ALICE
    await until(lambda: lab.webhook.updates[-1].message.refunded_payment)


async def test_a_bot_can_decline_a_payment(lab: Lab) -> None:
    async def decline(update: Update) -> None:
        await lab.bot.answer_pre_checkout_query(update.pre_checkout_query.id, ok=False, error_message="Sold out")

    lab.webhook.handle = decline
    paid = await lab.act("pay", message_id=await invoice(lab))
    assert paid["payment"] == {"status": "declined", "error_message": "Sold out"}
    assert lab.world.payments == {}


# What the page and the tests see


async def test_a_trace_tells_the_story_of_an_update(stage: Stage) -> None:
    states = iter([{"state": None}, {"state": "card:title"}])

    async def state(bot: str, user_id: int) -> Any:
        return next(states, "later")

    async def story(bot: str, user_id: int, since: float, log: Any) -> Any:
        return {"jobs": [{"id": 7}], "ledger": [{"delta": -1, "log": log and log["sql"]}]}

    async with stage.play(World(hooks=Hooks(user_state=state, story=story))) as lab:

        async def reply(update: Update) -> None:
            await lab.bot.send_message(update.effective_user.id, "title?")

        lab.webhook.handle = reply
        await lab.listen()
        sent = await lab.act("text", text="/start")
        lab.world.log_line({"event": "update", "bot": "studio", "update_id": sent["update_id"], "sql": 2})
        await lab.bot.send_message(ALICE, "by a worker")
        trace = (await lab.sim.get(f"/updates/studio/{sent['update_id']}")).json()
        messages = (await lab.history())["messages"]
    assert trace["update"]["message"]["text"] == "/start"
    assert [(one["method"], one["params"]["text"]) for one in trace["calls"]] == [("sendMessage", "title?")]
    assert (trace["state_before"], trace["state_after"]) == ({"state": None}, {"state": "card:title"})
    assert (trace["log"]["sql"], trace["jobs"], trace["ledger"][0]["log"]) == (2, [{"id": 7}], 2)
    assert messages[1]["sim"]["update_id"] == sent["update_id"]
    assert messages[1]["sim"]["calls"] == [trace["calls"][0]["id"]]
    assert messages[2]["sim"]["update_id"] is None


async def test_events_follow_what_happens(lab: Lab) -> None:
    start = lab.world.feed.seq
    await lab.bot.send_message(ALICE, "seen")
    seen: list[Any] = []
    async with lab.sim.stream("GET", f"/events?after={start}") as stream:
        await lab.act("text", text="hello")
        async for line in stream.aiter_lines():
            if line.startswith("data: "):
                seen.append(json.loads(line[6:]))
            if seen and seen[-1]["type"] == "delivery":
                break
    assert [one["type"] for one in seen] == ["message", "call", "message", "delivery"]
    assert [one["seq"] for one in seen] == list(range(start + 1, start + 5))
    assert seen[0]["message"]["sim"]["html"] == "seen"
    assert seen[3]["status"] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_the_control_api_is_for_this_machine_only(lab: Lab, headers: dict[str, str]) -> None:
    assert (await lab.sim.get("/state", headers=headers)).status_code == 403


async def test_any_update_can_be_sent_as_it_is(lab: Lab) -> None:
    user = {"id": ALICE, "is_bot": False, "first_name": "A"}
    query = {"id": "1", "from": user, "query": "x", "offset": ""}
    await lab.act("update", raw={"inline_query": query})
    assert lab.webhook.updates[0].inline_query.query == "x"
    assert (await lab.sim.post(f"/chats/studio/{ALICE}/update", json={"update_id": 1})).status_code == 400


async def test_mistakes_get_a_sentence(lab: Lab) -> None:
    wrong = [
        lab.sim.get("/chats/nobot/1001"),
        lab.sim.get("/chats/studio/4242"),
        lab.sim.get("/updates/studio/1"),
        lab.sim.get("/files/nothing"),
        lab.sim.post("/faults", json={"kind": "earthquake"}),
        lab.sim.post(f"/chats/studio/{ALICE}/text", content=b"{"),
        lab.sim.post(f"/chats/studio/{ALICE}/press", json={"message_id": 99, "data": "x"}),
        lab.sim.post("/parts/moon/stop"),
    ]
    for answer in await asyncio.gather(*wrong):
        assert 400 <= answer.status_code < 500
        assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("<b>a<i>b</i></b>c", "<b>a<i>b</i></b>c"),
        ('<a href="https://x.org/?a=1&amp;b">x</a>', '<a href="https://x.org/?a=1&amp;b" target="_blank"'),
        ('<a href="javascript:alert(1)">x</a>', "x"),
        ('<pre><code class="language-py">1 &lt; 2</code></pre>', "<pre>1 &lt; 2</pre>"),
        ("<tg-spoiler>s</tg-spoiler>", '<span class="tg-spoiler">s</span>'),
        ("  see lotok.ru\n", "see lotok.ru"),
    ],
)
def test_html_comes_back_safe(source: str, shown: str) -> None:
    assert markup.safe_html(*markup.parse(source, "HTML", None)).startswith(shown)


def test_the_handbook_names_every_route() -> None:
    handbook = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()
    for method, path, _ in control.ROUTES:
        assert f"{method} /sim{path.replace(':int', '')}" in handbook


async def everything(lab: Lab) -> None:
    """Make an update of every kind."""
    keyboard = await lab.bot.send_message(ALICE, "x", reply_markup=OK_BUTTON)
    sent = await lab.act("text", text="/menu @anna #sale https://lotok.example x@y.org")
    await lab.act("text", text="yes", reply_to=keyboard.message_id)
    await lab.act("edit", message_id=sent["message"]["message_id"], text="no")
    await lab.act("press", message_id=keyboard.message_id, data="card:ok")
    await lab.act("press", message_id=keyboard.message_id, data="card:ok", old=True)
    for kind, name in [
        ("photo", "a.jpg"),
        ("document", "a.png"),
        ("sticker", "a.webp"),
        ("video", "a"),
        ("voice", "a"),
    ]:
        await lab.upload((name, picture(400, 300)), kind=kind, caption="<b>")
    await lab.act("contact")
    await lab.act("pay", wait=False, message_id=await invoice(lab))
    checkout = next(iter(lab.world.checkouts))
    await lab.bot.answer_pre_checkout_query(checkout, ok=True)
    await until(lambda: lab.world.payments)
    await lab.bot.refund_star_payment(ALICE, next(iter(lab.world.payments)))
    await lab.act("block")
    kinds = {"message", "edited_message", "callback_query", "pre_checkout_query", "my_chat_member"}
    assert {one.kind for one in lab.world.updates.values()} == kinds


async def test_every_update_and_answer_is_as_the_definition_says(lab: Lab) -> None:
    if not lab.world.spec.methods:
        pytest.skip("the definition of the Bot API is not here")
    album = [InputMediaPhoto(picture(50, 50)), InputMediaPhoto(picture(60, 60))]
    sent = await lab.bot.send_media_group(ALICE, album)
    await lab.bot.edit_message_caption(ALICE, sent[0].message_id, caption="a")
    await lab.bot.get_file((await lab.bot.send_video(ALICE, b"film", duration=3)).video.file_id)
    await lab.bot.get_chat(ALICE)
    await lab.bot.get_me()
    await lab.bot.get_my_commands()
    await lab.bot.get_chat_menu_button()
    await lab.bot.send_message_draft(ALICE, 1, "wri")
    await lab.bot.set_message_reaction(ALICE, sent[0].message_id, "👍")
    await everything(lab)
    await lab.bot.get_webhook_info()
    await lab.bot.get_star_transactions()
    spec = lab.world.spec
    for update in lab.world.updates.values():
        assert spec.check_type("Update", update.update) == []
    for call in lab.world.calls.values():
        kinds = spec.methods[call.method]["returns"]
        assert call.status == 200
        assert min((spec.check_type(kind, call.result) for kind in kinds), key=len) == [], call.method


async def test_every_update_is_what_another_library_expects(lab: Lab) -> None:
    types = pytest.importorskip("aiogram.types", reason="aiogram is a second opinion, not a requirement")
    await everything(lab)
    for record in lab.world.updates.values():
        types.Update.model_validate(record.update)
