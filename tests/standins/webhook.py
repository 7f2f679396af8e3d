"""A webhook on a free port that keeps what it is told: what alarms are sent to."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Webhook(ThreadingHTTPServer):
    """Takes Apprise's json:// messages; `refuses` answers 500. A context manager."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.refuses = False
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if not sink.refuses:
                    sink.messages.append(body | {"path": self.path})
                self.send_response(500 if sink.refuses else 200)
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        super().__init__(("127.0.0.1", 0), Handler)

    def __enter__(self) -> Webhook:
        Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def connection(self, channel: str, secret: str = "") -> str:
        """An AIRFLOW_CONN_… value whose messages arrive under the path /secret/channel."""
        address = f"json://127.0.0.1:{self.server_port}/{secret + '/' if secret else ''}{channel}"
        return json.dumps({"conn_type": "apprise", "password": address})

    def taken(self) -> list[tuple[str, str, str]]:
        """(channel, title, body) since the last call."""
        messages, self.messages = self.messages, []
        return [(one["path"].rsplit("/", 1)[-1], one["title"], one["message"]) for one in messages]
