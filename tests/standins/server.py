"""What every stand-in is: a server on a free port of this machine, in a thread, stopped by its own handle."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from abc import ABC, abstractmethod
from typing import ClassVar, Self

import uvicorn
from fastapi import FastAPI, Request, Response


class _Server(uvicorn.Server):
    async def main_loop(self) -> None:
        # uvicorn looks ten times a second whether it is to stop; many short tests would spend their time waiting
        while not await self.on_tick(0):
            await asyncio.sleep(0.01)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # no grace: whoever called has its answer
        for listener in self.servers:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0)


class LoopbackServer(ABC):
    """A context manager that listens while it is open; `_handle` answers every request, `base_url` leads there."""

    date_header: ClassVar[bool] = True

    @abstractmethod
    async def _handle(self, path: str, request: Request) -> Response: ...

    def __enter__(self) -> Self:
        app = FastAPI(openapi_url=None)
        app.add_api_route("/{path:path}", self._handle, methods=["GET", "POST", "PUT"], response_model=None)
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            date_header=self.date_header,
        )
        self._server = _Server(config)
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("the stand-in did not start")
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._socket.close()
