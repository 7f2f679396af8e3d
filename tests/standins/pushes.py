"""WeChat as it pushes events: documents, signatures, encryption; and the real receiver that they are pushed to."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TOKEN = "a-token-of-the-tests"
APPID = "wx0123456789abcdef"
AES_KEY = base64.b64encode(bytes(range(32))).decode().rstrip("=")
OPENID = "oTest-follower_1"
CREATED = 1795255200


def xml(openid: str = OPENID, created: int = CREATED, kind: str = "event", **more: str) -> bytes:
    """A push as WeChat writes it."""
    fields = {"Event": "subscribe", "EventKey": "qrscene_booth7", "Ticket": "TICKET"} if kind == "event" else {}
    inner = "".join(f"<{name}><![CDATA[{text}]]></{name}>" for name, text in {**fields, **more}.items())
    return (
        f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>"
        f"<CreateTime>{created}</CreateTime><MsgType><![CDATA[{kind}]]></MsgType>{inner}</xml>"
    ).encode()


def signed(*parts: str) -> str:
    return hashlib.sha1("".join(sorted([TOKEN, *parts])).encode(), usedforsecurity=False).hexdigest()


def query(nonce: str | None = None, stamp: int | None = None) -> dict[str, str]:
    """What WeChat puts behind the question mark."""
    at, nonce = str(int(time.time()) if stamp is None else stamp), nonce or secrets.token_hex(5)
    return {"signature": signed(at, nonce), "timestamp": at, "nonce": nonce, "openid": OPENID}


def encrypted(body: bytes, appid: str = APPID, **also: str) -> tuple[bytes, dict[str, str]]:
    """A body as safe mode sends it, and its query."""
    plain = secrets.token_bytes(16) + len(body).to_bytes(4, "big") + body + appid.encode()
    fill = 32 - len(plain) % 32
    key = base64.b64decode(AES_KEY + "=")
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    text = base64.b64encode(encryptor.update(plain + bytes([fill]) * fill) + encryptor.finalize()).decode()
    values = query()
    values |= {"encrypt_type": "aes", "msg_signature": signed(values["timestamp"], values["nonce"], text), **also}
    return f"<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[{text}]]></Encrypt></xml>".encode(), values


def request(body: bytes, values: Mapping[str, str]) -> bytes:
    """A push on the wire, over a connection that stays open."""
    target = "/wechat?" + "&".join(f"{name}={value}" for name, value in values.items())
    return f"POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class RunningReceiver:
    """A real receiver on a free port of this machine.

    Args:
        before: what its command line begins with, such as `taskset -c 0`.
    """

    def __init__(self, home: Path, before: Sequence[str] = ()) -> None:
        self.home = home
        self.before = before
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    @contextmanager
    def up(self) -> Iterator[subprocess.Popen[bytes]]:
        connection = {"login": APPID, "extra": {"token": TOKEN, "encoding_aes_key": AES_KEY}}
        command: list[str | Path] = [
            Path(sys.executable).with_name("persona"),
            "wechat-receiver",
            "--port",
            str(self.port),
        ]
        with (self.home.parent / "receiver.log").open("ab") as log:
            process = subprocess.Popen(
                [*self.before, *command, "--home", self.home],
                env={**os.environ, "AIRFLOW_CONN_WECHAT_MAIN": json.dumps(connection)},
                stdout=log,
                stderr=log,
            )
        try:
            self._await_port(process)
            yield process
        finally:
            process.kill()
            process.wait(10)

    def _await_port(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end and process.poll() is None:
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("the receiver did not come up")


class PushLoad:
    """Requests over several connections that are kept alive: which events were answered `success`, and how fast."""

    def __init__(self, port: int, run: str) -> None:
        self.port = port
        self.run = run
        self.kept: set[tuple[str, int]] = set()
        self.sent = 0
        self.seconds: list[float] = []

    async def go(self, connections: int, until: float) -> None:
        await asyncio.gather(*(self._one(number, until) for number in range(connections)))

    async def _one(self, number: int, until: float) -> None:
        openid = f"oLoad-{self.run}-{number:02}"
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            created = CREATED
            while time.monotonic() < until:
                created += 1
                push = request(*encrypted(xml(openid, created, EventKey="")))
                self.sent += 1
                started = time.monotonic()
                writer.write(push)
                answer = await reader.readuntil(b"success")
                assert answer.startswith(b"HTTP/1.1 200")
                self.seconds.append(time.monotonic() - started)
                self.kept.add((openid, created))
            writer.close()
        except (OSError, asyncio.IncompleteReadError):
            # the receiver was killed: what was not answered is nobody's promise
            return
