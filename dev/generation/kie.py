"""KIE.ai as the product meets it: tasks that take time, errors inside a 200, callbacks, results that can be odd.

    POST /api/v1/jobs/createTask             GET /api/v1/jobs/recordInfo?taskId=    GET /api/v1/chat/credit
    POST /api/file-stream-upload             GET /files/<name>, /results/<task>     the hosts of files and results

Its answers follow the recorded shapes. Results are real pictures and clips, made when they are fetched.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import random
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from dev.generation import catalogue, drawing
from dev.generation.faults import Faults

CODES = {
    401: "You do not have access permissions",
    402: "Credits insufficient",
    404: "Not Found",
    422: "The request parameters do not meet the specification",
    429: "Your call frequency is too high. Please try again later.",
    433: "The sub-key has reached its limit",
    455: "The service is being maintained. Please try again later.",
    500: "Server exception, please try again later or contact customer service",
    501: "Generation failed",
    505: "Feature disabled",
}
ANSWERS = tuple(f"code_{code}" for code in CODES)
TASKS = ("task_fail", "task_rules", "task_408", "task_501", "task_slow", "task_never", "task_unknown")
CALLBACKS = ("callback_lost", "callback_twice", "callback_late", "callback_forged")
LINKS = ("result_none", "result_private")
RESULTS = ("result_missing", "result_html", "result_redirect", "result_cut", "result_slow", "result_moved")
KINDS = {
    "request": (*ANSWERS, "answer_lost", "hang", "broken", "slow", "upload_down"),  # answer_lost: the task exists
    "task": (*TASKS, "read_500"),
    "callback": CALLBACKS,
    "result": (*LINKS, *RESULTS),
}
RATE, SPAN = 20, 10.0  # new tasks of one account

SECRETS = {"KIE_API_KEY": 2, "KIE_WEBHOOK_KEY": 1}


def settings(address: str) -> dict[str, str]:
    """Return the settings that lead the product here."""
    return {"KIE_API_URL": address}


def stand_in(secrets: Mapping[str, str], *, seconds: float, light: bool) -> "Kie":
    """Return the service with the accounts that the secrets name."""
    keys = tuple(secrets["KIE_API_KEY"].split(","))
    return Kie(keys=keys, webhook_key=secrets.get("KIE_WEBHOOK_KEY", ""), seconds=seconds, light=light)


@dataclass
class Task:
    """One task: `param` holds the request, and its end is decided when the task is made."""

    id: str
    key: str
    model: str
    param: dict[str, Any]
    made_at: float
    takes: float
    fault: str = ""
    reads: int = 0
    result: str = ""
    done: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def age(self) -> float:
        return time.time() - self.made_at


class Kie:
    """The service as an ASGI app. `seconds` is how long a task takes, `light` makes small results at once.

    `pace` shortens the account's window as tests shorten all waits.
    """

    def __init__(
        self,
        *,
        keys: tuple[str, ...],
        webhook_key: str = "",
        seconds: float = 8.0,
        light: bool = False,
        pace: float = 1.0,
    ) -> None:
        self.keys, self.webhook_key, self.seconds, self.light, self.pace = keys, webhook_key, seconds, light, pace
        self.faults = Faults("kie", KINDS)
        self.tasks: dict[str, Task] = {}
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, str]] = []
        self.credits = 1_000_000.0
        self.callbacks = self.overrun = 0
        self._starts: dict[str, deque[float]] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._client = httpx.AsyncClient(timeout=15, trust_env=False, verify=False)

    async def idle(self) -> None:
        """Wait until every task has ended and every callback was made; a task that never ends is left out."""
        await asyncio.gather(*self._background)

    async def close(self) -> None:
        for one in self._background:
            one.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._client.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = scope["path"][scope["path"].find("/kie") + 4 :] if "/kie" in scope["path"] else scope["path"]
        base = f"{request.url.scheme}://{request.url.netloc}{scope['path'][: len(scope['path']) - len(path)]}"
        self.requests.append((request.method, path))
        await request.body()  # read before anything can go wrong: a client that hangs up has sent it
        if fault := self.faults.take("hang", "slow") if path.startswith("/api/v1/jobs/createTask") else None:
            await asyncio.sleep(fault.seconds or (60 if fault.kind == "hang" else 3))
        handlers: dict[str, Callable[[Request, str], Any]] = {
            "/api/v1/jobs/createTask": self._create,
            "/api/v1/jobs/recordInfo": self._record,
            "/api/v1/chat/credit": self._credit,
            "/api/file-stream-upload": self._upload,
        }
        if path in handlers:
            response = await handlers[path](request, base)
        elif path.startswith("/files/"):
            data = self.files.get(path.removeprefix("/files/"))
            response = Response(data, media_type="image/jpeg") if data else Response(status_code=404)
        elif path.startswith("/results/"):
            response = await self._result(path.removeprefix("/results/"))
        else:
            response = JSONResponse({"code": 404, "msg": CODES[404]}, 404)
        if isinstance(response, _Broken):
            await response.break_off(send)
        else:
            await response(scope, receive, send)

    async def _create(self, request: Request, base: str) -> Response:
        key = self._key(request)
        body = await _json(request)
        fault = self.faults.take(*ANSWERS)
        if fault or key not in self.keys:
            return _refused(int(fault.kind[5:]) if fault else 401)
        if self.faults.take("broken"):
            return Response("<html>Bad gateway</html>", 502)
        if problem := catalogue.refuse(str(body.get("model")), body.get("input")):
            return _answer(None, *problem)
        starts = self._starts.setdefault(key, deque())
        while starts and starts[0] < time.time() - SPAN * self.pace:
            starts.popleft()
        if len(starts) >= RATE:
            self.overrun += 1
            return _refused(429)
        starts.append(time.time())
        task = self._make(key, body, base)
        if self.faults.take("answer_lost"):
            return _Broken()
        return _answer({"taskId": task.id})

    def _make(self, key: str, body: dict[str, Any], base: str) -> Task:
        fault = self.faults.take(*TASKS)
        takes = self.seconds * random.uniform(0.8, 1.2) * (2 if catalogue.MODELS[body["model"]].film else 1)
        kind = fault.kind if fault else ""
        takes = {"task_slow": takes * 10, "task_never": 1e9}.get(kind, takes)
        task = Task(f"task_{secrets.token_hex(12)}", key, body["model"], body, time.time(), takes, kind)
        self.tasks[task.id] = task
        if takes < 1e8:
            self._later(self._finish(task, base))
        return task

    async def _finish(self, task: Task, base: str) -> None:
        await asyncio.sleep(task.takes)
        task.done.set()
        address = task.param.get("callBackUrl")
        if not address:
            return
        fault = self.faults.take(*CALLBACKS)
        kind = fault.kind if fault else ""
        if kind == "callback_lost":
            return
        if kind == "callback_late":
            await asyncio.sleep((fault.seconds if fault else 0) or 5)
        if kind == "callback_forged":
            forged = {"code": 200, "data": {"taskId": task.id, "resultJson": '{"resultUrls":["http://10.0.0.1/x"]}'}}
            await self._report(address.replace("sig=", "sig=0"), forged, task.id)
        for _ in range(2 if kind == "callback_twice" else 1):
            await self._report(address, self._told(task, base), task.id)

    async def _report(self, address: str, body: dict[str, Any], task_id: str) -> None:
        stamp = str(int(time.time()))
        mac = hmac.new(self.webhook_key.encode(), f"{task_id}.{stamp}".encode(), hashlib.sha256).digest()
        headers = {"X-Webhook-Timestamp": stamp, "X-Webhook-Signature": base64.b64encode(mac).decode()}
        self.callbacks += 1
        with contextlib.suppress(httpx.HTTPError):
            await self._client.post(address, json=body, headers=headers if self.webhook_key else {})

    async def _record(self, request: Request, base: str) -> Response:
        if self._key(request) not in self.keys:
            return _refused(401)
        task = self.tasks.get(request.query_params.get("taskId", ""))
        if task is None or task.key != self._key(request):
            return _answer(None, 422, "recordInfo is null")
        task.reads += 1
        if task.fault == "task_unknown" and task.reads <= 2:
            return _answer(None, 422, "recordInfo is null")
        if self.faults.take("read_500"):
            return _refused(500)
        if task.done.is_set() and task.fault in ("task_408", "task_501"):
            return _answer(None, int(task.fault[5:]), "The upstream service did not answer")
        return JSONResponse(self._told(task, base))

    def _told(self, task: Task, base: str) -> dict[str, Any]:
        """Return what recordInfo says; a callback says the same."""
        ended = task.done.is_set()
        failed = ended and task.fault in ("task_fail", "task_rules")
        share = min(task.age / task.takes, 0.99)
        state = "fail" if failed else "success" if ended else "waiting" if share < 0.1 else "generating"
        why = {"task_rules": "Your content was flagged as violating our content policies (NSFW)."}
        data: dict[str, Any] = {
            "taskId": task.id,
            "model": task.model,
            "state": state,
            "param": json.dumps(task.param, ensure_ascii=False),
            "resultJson": self._urls(task, base) if state == "success" else "",
            "failCode": "501" if failed else None,
            "failMsg": why.get(task.fault, "Internal error") if failed else None,
            "costTime": round(task.takes * 1000) if ended else None,
            "completeTime": round((task.made_at + task.takes) * 1000) if ended else None,
            "createTime": round(task.made_at * 1000),
            "creditsConsumed": 0 if failed else catalogue.MODELS[task.model].credits if ended else None,
        }
        if catalogue.MODELS[task.model].film and not ended:
            data["progress"] = f"{share:.2f}"
        return {"code": 501 if failed and task.fault == "task_501" else 200, "msg": "success", "data": data}

    def _urls(self, task: Task, base: str) -> str:
        """Return resultJson, decided once: a callback and a record say the same."""
        if not task.result:
            task.result = json.dumps({"resultUrls": [f"{base}/results/{task.id}"]})
            if self.faults.take("result_none"):
                task.result = "{}"
            elif self.faults.take("result_private"):
                task.result = json.dumps({"resultUrls": ["http://10.0.0.1/result.png"]})
        return task.result

    async def _result(self, task_id: str) -> Response:
        fault = self.faults.take(*RESULTS)
        kind = fault.kind if fault else ""
        task = self.tasks.get(task_id)
        if task is None or not task.done.is_set() or kind == "result_missing":
            return Response(status_code=404)
        if kind == "result_html":
            return Response("<html>expired</html>", media_type="text/html")
        if kind == "result_redirect":
            return RedirectResponse("http://169.254.169.254/latest/meta-data/")
        if kind == "result_slow":
            await asyncio.sleep((fault.seconds if fault else 0) or 5)
        data = await asyncio.to_thread(self._drawn, task)
        if kind == "result_moved":
            data = await asyncio.to_thread(drawing.moved, data)
        return Response(data[: len(data) // 2] if kind == "result_cut" else data)

    def _drawn(self, task: Task) -> bytes:
        given, known = task.param["input"], catalogue.MODELS[task.model]
        address = given[known.picture][0] if known.many else given[known.picture]
        photo = self.files.get(address.rpartition("/")[2], b"")
        label, seed = f"KIE stand-in: {task.model}", len(str(given.get("prompt", "")))
        if known.film:
            return drawing.clip(photo, int(given.get("duration", 5)), label, 2 if self.light else 12)
        size = drawing.RATIOS.get(given.get("aspect_ratio", "1:1"), (1024, 1024))
        if self.light:
            return drawing.sketch(photo, (size[0] * 3 // 4, size[1] * 3 // 4), seed)
        return drawing.picture(photo, size, label, seed)

    async def _upload(self, request: Request, base: str) -> Response:
        if self._key(request) not in self.keys:
            return _refused(401)
        if self.faults.take("upload_down"):
            return _refused(500)
        async with request.form() as form:
            name = str(form.get("fileName") or secrets.token_hex(8))
            self.files[name] = await form["file"].read()  # type: ignore[union-attr]
        address = f"{base}/files/{name}"
        return JSONResponse(
            {
                "success": True,
                "code": 200,
                "msg": "File uploaded successfully",
                "data": {"fileName": name, "downloadUrl": address},
            }
        )

    async def _credit(self, request: Request, base: str) -> Response:
        return _answer(self.credits) if self._key(request) in self.keys else _refused(401)

    def _key(self, request: Request) -> str:
        return request.headers.get("authorization", "").removeprefix("Bearer ")

    def _later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


class _Broken(Response):
    """An answer whose connection breaks in the middle: the request has had its effect."""

    async def break_off(self, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"200")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"code":200', "more_body": True})


def _answer(data: Any, code: int = 200, message: str = "success") -> JSONResponse:
    return JSONResponse({"code": code, "msg": message, "data": data})


def _refused(code: int) -> JSONResponse:
    return _answer(None, code, CODES[code])


async def _json(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(await request.body())
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}
