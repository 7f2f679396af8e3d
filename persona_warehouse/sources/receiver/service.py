"""The HTTP side: what is checked, in which order, and what WeChat is answered."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import queue
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.requests import ClientDisconnect

from persona_warehouse.sources.receiver.parse import Event, event_of, fields_of
from persona_warehouse.sources.receiver.segments import SegmentWriter
from persona_warehouse.sources.receiver.signing import Refused, Secrets, check_signature, decrypt

log = logging.getLogger(__name__)

MAX_BODY = 64 * 1024
# WeChat waits for 5 s and then sends again
ANSWER_SECONDS = 4.0
# WeChat sends three times, 5 s apart; a few minutes more cover clocks and delays
REMEMBER_SECONDS = 300.0
NONCE_LENGTH = 64
# whoever has no right signature may fill neither the log nor the processor
REFUSALS_A_SECOND = 10.0


class Memory:
    """What was seen, by key: for at least so many seconds, and at most twice as long."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._turned = clock()
        # bytes only: of a million of them the garbage collector has nothing to look at
        self._new: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        """What stands under a key, if it is not too old."""
        self._turn()
        return self._new.get(key) or self._old.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Remembers a value from now on."""
        self._turn()
        self._new[key] = value

    def _turn(self) -> None:
        passed = self._clock() - self._turned
        if passed > self._seconds:
            self._old = {} if passed > 2 * self._seconds else self._new
            self._new = {}
            self._turned += passed


class Rate:
    """So many a second, and as many at once; 0 is no limit."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._clock = clock
        self._left = per_second
        self._at = clock()

    def take(self) -> bool:
        """Whether one more is allowed; if so, it counts."""
        now = self._clock()
        self._left = min(max(self._per_second, 1.0), self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._per_second and self._left < 1:
            return False
        self._left -= 1
        return True


class Receiver:
    """Checks requests and hands their events to the writer, each once."""

    def __init__(self, secrets: Secrets, writer: SegmentWriter, window_seconds: int, events_a_second: float) -> None:
        self.rate = Rate(events_a_second)
        self.refusals = Rate(REFUSALS_A_SECOND)
        self.untold = 0
        self.secrets = secrets
        self.writer = writer
        self.window_seconds = window_seconds
        # a stamp may lie a window ahead, and is stale a window after it
        self.nonces = Memory(2 * window_seconds + 1)
        self.kept = Memory(REMEMBER_SECONDS)
        self.under_way: dict[bytes, asyncio.Future[None]] = {}

    def check(self, request: Request) -> tuple[str, str]:
        """The time stamp and the nonce of a request that the account's token signed, and not long ago.

        Raises:
            Refused: it is not.
        """
        query = request.query_params
        stamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        check_signature(query.get("signature", ""), self.secrets.token, stamp, nonce)
        fresh = stamp.isascii() and stamp.isdecimal() and len(stamp) < 12
        if not fresh or abs(time.time() - int(stamp)) > self.window_seconds:
            raise Refused(403, "stale time stamp")
        if not 0 < len(nonce) <= NONCE_LENGTH:
            raise Refused(403, "no nonce")
        return stamp, nonce

    async def receive(self, request: Request) -> None:
        """Returns when the request's event is on the disk.

        Raises:
            Refused: the request is not taken.
            OSError: the event could not be written.
        """
        stamp, nonce = self.check(request)
        # only what WeChat signed counts: nobody else can use the rate up
        if not self.rate.take():
            raise Refused(429, "too many events a second")
        body = await _body(request)
        digest, request_key = _digest(body), _digest(stamp.encode(), nonce.encode())
        # WeChat may repeat a request as it was; another body under a used nonce is somebody who listened
        if (self.nonces.get(request_key) or digest) != digest:
            raise Refused(403, "replayed nonce")
        event = event_of(fields_of(self._opened(request, body, stamp, nonce)))
        self.nonces.put(request_key, digest)
        await self._keep(event)

    def _opened(self, request: Request, body: bytes, stamp: str, nonce: str) -> bytes:
        """The event's own XML: the body, or in safe mode what is encrypted in it."""
        key = self.secrets.aes_key
        if key is None:
            if request.query_params.get("encrypt_type", "raw") != "raw":
                raise Refused(403, "encrypted, but the connection has no encoding_aes_key")
            return body
        encrypted = fields_of(body).get("Encrypt")
        if not encrypted:
            raise Refused(403, "not encrypted")
        check_signature(request.query_params.get("msg_signature", ""), self.secrets.token, stamp, nonce, encrypted)
        return decrypt(encrypted, key, self.secrets.appid)

    def refuse(self, refused: Refused) -> PlainTextResponse:
        """The answer to what is not taken; the log tells some of them and counts the others."""
        if self.refusals.take():
            more = f" ({self.untold} more were not told)" if self.untold else ""
            log.warning("refused: %s%s", refused.reason, more)
            self.untold = 0
        else:
            self.untold += 1
        return PlainTextResponse(refused.reason, refused.status)

    async def _keep(self, event: Event) -> None:
        key = _digest(*(part.encode() for part in event.key))
        if self.kept.get(key):
            return
        written = self.under_way.get(key)
        if written is None:
            written = asyncio.wrap_future(self.writer.append(event.line))
            self.under_way[key] = written
            written.add_done_callback(lambda done: self._written(key, done))
        # whoever stops waiting must not take it from the others
        await asyncio.shield(written)

    def _written(self, key: bytes, done: asyncio.Future[None]) -> None:
        # what could not be written is written when it comes again
        del self.under_way[key]
        if not done.cancelled() and done.exception() is None:
            self.kept.put(key, b"1")


def _digest(*parts: bytes) -> bytes:
    return hashlib.blake2b(b"\0".join(parts), digest_size=16).digest()


async def _body(request: Request) -> bytes:
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > MAX_BODY:
        raise Refused(413, "too large")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise Refused(413, "too large")
    return bytes(body)


def build_app(
    secrets: Secrets,
    writer: SegmentWriter,
    *,
    path: str = "/wechat",
    health_path: str = "/health",
    window_seconds: int = 300,
    answer_seconds: float = ANSWER_SECONDS,
    events_a_second: float = 0,
) -> FastAPI:
    """The service.

    Args:
        path: where WeChat calls it.
        health_path: where a monitor asks how it is, without a signature.
        writer: started and stopped with the service.
        window_seconds: how far a request's time stamp may be from now.
        answer_seconds: after that an event that is still not on the disk is answered 500, so that WeChat repeats it.
        events_a_second: more signed events than this are answered 429, so that WeChat repeats them; 0: no limit.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        writer.start()
        yield
        await asyncio.to_thread(writer.stop)

    receiver = Receiver(secrets, writer, window_seconds, events_a_second)
    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)

    @app.get(health_path)
    async def health() -> JSONResponse:
        state = writer.health()
        said = {"status": "ok" if state.is_well else "not writing", "waiting": state.waiting}
        return JSONResponse(said, 200 if state.is_well else 503)

    @app.get(path)
    async def echo(request: Request) -> PlainTextResponse:
        try:
            receiver.check(request)
        except Refused as refused:
            return receiver.refuse(refused)
        return PlainTextResponse(request.query_params.get("echostr", ""))

    @app.post(path)
    async def receive(request: Request) -> PlainTextResponse:
        try:
            async with asyncio.timeout(answer_seconds):
                await receiver.receive(request)
        except Refused as refused:
            return receiver.refuse(refused)
        except ClientDisconnect:
            log.warning("cut off before its end")
        except TimeoutError:
            log.error("not received or not on the disk within %s s; WeChat is asked to repeat", answer_seconds)
        except queue.Full:
            log.error("too many events wait for the disk; WeChat is asked to repeat")
        except OSError as error:
            log.error("cannot be written (%s); WeChat is asked to repeat", error.strerror)
        else:
            return PlainTextResponse("success")
        return PlainTextResponse("not kept", 500)

    return app
