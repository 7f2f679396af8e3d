"""The receiver: who is let in, what is kept, and that nothing answered `success` is ever lost."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing import store
from persona_warehouse.settings import Settings
from persona_warehouse.sources.load import load_stream
from persona_warehouse.sources.receiver import secrets_of
from persona_warehouse.sources.receiver.parse import fields_of
from persona_warehouse.sources.receiver.segments import SegmentWriter
from persona_warehouse.sources.receiver.service import MAX_BODY, REFUSALS_A_SECOND, Memory, Rate, Receiver, build_app
from persona_warehouse.sources.receiver.signing import Refused, Secrets
from tests.standins.pushes import (
    AES_KEY,
    APPID,
    CREATED,
    OPENID,
    TOKEN,
    PushLoad,
    RunningReceiver,
    encrypted,
    query,
    signed,
    xml,
)

PLAIN = Secrets(TOKEN, APPID)
SAFE = Secrets(TOKEN, APPID, bytes(range(32)))


class Service:
    """The app in this process, and what it has written."""

    def __init__(self, client: TestClient, folder: Path) -> None:
        self.client = client
        self.folder = folder

    def post(self, body: bytes, values: dict[str, str] | None = None) -> tuple[int, str]:
        answer = self.client.post("/wechat", params=query() if values is None else values, content=body)
        return answer.status_code, answer.text

    @property
    def lines(self) -> list[dict[str, Any]]:
        files = sorted(self.folder.glob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


@contextmanager
def running(folder: Path, known: Secrets = PLAIN, **options: Any) -> Iterator[Service]:
    of_app = {name: options.pop(name) for name in ("answer_seconds", "events_a_second") if name in options}
    with TestClient(build_app(known, SegmentWriter(folder, **options), **of_app)) as client:
        yield Service(client, folder)


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as service:
        yield service


@pytest.fixture
def safe(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path, SAFE) as service:
        yield service


OK = (200, "success")


class TestWhoIsLetIn:
    def test_the_echo_string_comes_back_to_the_right_signature_only(self, plain: Service) -> None:
        right = plain.client.get("/wechat", params={**query(), "echostr": "1234<b>"})
        assert (right.status_code, right.text) == (200, "1234<b>")
        assert right.headers["content-type"].startswith("text/plain")
        wrong = plain.client.get("/wechat", params={**query(), "signature": "0" * 40, "echostr": "1234"})
        assert wrong.status_code == 403
        assert "1234" not in wrong.text

    @pytest.mark.parametrize("wrong", ["0" * 40, "", "é"])
    def test_a_wrong_signature_is_refused(self, plain: Service, wrong: str) -> None:
        assert plain.post(xml(), {**query(), "signature": wrong}) == (403, "wrong signature")
        assert plain.lines == []

    @pytest.mark.parametrize("off", [-301, 302])
    def test_a_stale_time_stamp_is_refused(self, plain: Service, off: int) -> None:
        assert plain.post(xml(), query(stamp=int(time.time()) + off)) == (403, "stale time stamp")

    def test_a_used_nonce_takes_no_other_body(self, plain: Service) -> None:
        values = query()
        assert plain.post(xml(), values) == OK
        assert plain.post(xml(openid="oForged-1"), values) == (403, "replayed nonce")
        # WeChat's own repetition, and whoever only repeats it, changes nothing
        assert plain.post(xml(), values) == OK
        assert len(plain.lines) == 1

    def test_safe_mode_reads_what_was_encrypted(self, safe: Service) -> None:
        assert safe.post(*encrypted(xml())) == OK
        assert [line["event"] for line in safe.lines] == ["subscribe"]

    def test_safe_mode_refuses_another_appid(self, safe: Service) -> None:
        assert safe.post(*encrypted(xml(), appid="wxsomebodyelse0000")) == (403, "another account's appid")

    def test_safe_mode_refuses_a_wrong_signature_of_the_content(self, safe: Service) -> None:
        assert safe.post(*encrypted(xml(), msg_signature="0" * 40)) == (403, "wrong signature")

    def test_safe_mode_refuses_what_is_not_encrypted(self, safe: Service) -> None:
        assert safe.post(xml()) == (403, "not encrypted")

    def test_plain_mode_says_that_the_key_is_missing(self, plain: Service) -> None:
        assert plain.post(*encrypted(xml()))[0] == 403

    @pytest.mark.parametrize("text", ["", "AAAA", "no base64!", base64.b64encode(bytes(64)).decode()])
    def test_what_cannot_be_decrypted_is_refused(self, safe: Service, text: str) -> None:
        values = query()
        values["msg_signature"] = signed(values["timestamp"], values["nonce"], text)
        assert safe.post(f"<xml><Encrypt>{text}</Encrypt></xml>".encode(), values)[0] in (400, 403)
        assert safe.lines == []

    def test_a_connection_that_lacks_a_part_is_named_without_its_secrets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def connect(**connection: Any) -> Secrets:
            monkeypatch.setenv("AIRFLOW_CONN_WECHAT_MAIN", json.dumps(connection))
            return secrets_of("wechat_main")

        assert connect(login=APPID, extra={"token": TOKEN, "encoding_aes_key": AES_KEY}) == SAFE
        assert connect(login=APPID, extra={"token": TOKEN}) == PLAIN
        for wrong in (
            {"login": APPID},
            {"extra": {"token": TOKEN, "encoding_aes_key": AES_KEY}},
            {"login": APPID, "extra": {"token": TOKEN, "encoding_aes_key": "short-key"}},
        ):
            with pytest.raises(ConfigError) as caught:
                connect(**wrong)
            assert TOKEN not in str(caught.value)
            assert "short-key" not in str(caught.value)
        assert TOKEN not in repr(SAFE)


class TestWhatIsKept:
    def test_an_event_becomes_a_line_of_the_landing_columns(self, plain: Service) -> None:
        assert plain.post(xml(MenuId="400", Event="VIEW")) == OK
        assert plain.lines == [
            {
                "openid": OPENID,
                "created_at": datetime.fromtimestamp(CREATED, UTC).isoformat(),
                "event": "view",
                "event_key": "qrscene_booth7",
                "ticket": "TICKET",
                "menu_id": "400",
                "message_type": "event",
            }
        ]

    def test_nothing_of_a_message_but_its_type_is_kept(self, plain: Service) -> None:
        assert plain.post(xml(kind="text", Content="<!DOCTYPE 合同价格", MsgId="77")) == OK
        (line,) = plain.lines
        assert (line["event"], line["message_type"]) == ("text", "text")
        assert set(line) == {"openid", "created_at", "event", "message_type"}

    def test_a_repeated_event_is_kept_once_and_another_one_besides(self, plain: Service) -> None:
        assert [plain.post(xml()) for _ in range(3)] == [OK] * 3
        assert plain.post(xml(Event="LOCATION")) == OK
        assert [line["event"] for line in plain.lines] == ["subscribe", "location"]

    def test_messages_of_one_second_are_told_apart_by_their_id(self, plain: Service) -> None:
        assert [plain.post(xml(kind="text", MsgId=number)) for number in ("1", "2", "1")] == [OK] * 3
        assert len(plain.lines) == 2

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"", 400),
            (b"{}", 400),
            (b"<xml>", 400),
            (b"<xml><FromUserName>o</FromUserName></xml>", 400),
            (xml(openid="a b"), 400),
            (xml(created=0), 400),
            (xml().decode().encode("utf-16"), 400),
            (xml()[:-6] + b"\xff</xml>", 400),
            (xml(Content="x" * MAX_BODY), 413),
        ],
    )
    def test_what_is_no_event_is_refused(self, plain: Service, body: bytes, status: int) -> None:
        assert plain.post(body)[0] == status
        assert plain.lines == []

    def test_a_body_of_unknown_length_is_cut_off_too(self, plain: Service) -> None:
        chunks = (b"x" * 4096 for _ in range(MAX_BODY // 4096 + 2))
        assert plain.client.post("/wechat", params=query(), content=chunks).status_code == 413

    def test_entities_are_never_read(self, plain: Service) -> None:
        names = [f'<!ENTITY a{i} "{f"&a{i - 1};" * 10 if i else "boom"}">' for i in range(9)]
        bomb = f"<!DOCTYPE xml [{''.join(names)}]><xml><FromUserName>&a8;</FromUserName></xml>"
        file = '<!DOCTYPE xml SYSTEM "file:///etc/passwd"><xml/>'
        for body in (bomb, file, f'<?xml version="1.0" encoding="UTF-8"?>{bomb}'):
            assert plain.post(body.encode()) == (400, "XML with a document type")

    def test_deep_nesting_is_passed_over(self) -> None:
        deep = b"<xml>" + b"<a>" * 5000 + b"<Event>x</Event>" + b"</a>" * 5000 + b"<Event>y</Event></xml>"
        assert fields_of(deep)["Event"] == "y"
        with pytest.raises(Refused):
            fields_of(b"<?xml version='1.0' encoding='utf-7'?>" + "<xml>é</xml>".encode("latin-1"))

    def test_no_log_holds_an_openid(self, plain: Service, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, logger="persona_warehouse")
        plain.post(xml())
        plain.post(xml(), {**query(), "signature": "wrong"})
        plain.post(xml(created=0))
        ours = [record for record in caplog.records if record.name.startswith("persona_warehouse")]
        assert len(ours) == 2
        assert all(OPENID not in record.getMessage() for record in ours)

    def test_a_flood_of_refusals_is_counted_not_told(self, caplog: pytest.LogCaptureFixture) -> None:
        now = [0.0]
        receiver = Receiver(PLAIN, SegmentWriter(Path("unused")), 300, 0)
        receiver.refusals = Rate(REFUSALS_A_SECOND, lambda: now[0])
        answers = [receiver.refuse(Refused(403, "wrong signature")) for _ in range(500)]
        assert {answer.status_code for answer in answers} == {403}
        told = [record.getMessage() for record in caplog.records]
        assert told == ["refused: wrong signature"] * int(REFUSALS_A_SECOND)
        now[0] = 1.0
        receiver.refuse(Refused(400, "no XML"))
        assert caplog.records[-1].getMessage() == "refused: no XML (490 more were not told)"

    def test_the_rate_is_a_rate(self) -> None:
        now = [0.0]
        rate = Rate(2, lambda: now[0])
        assert [rate.take() for _ in range(3)] == [True, True, False]
        now[0] = 0.5
        assert [rate.take() for _ in range(2)] == [True, False]
        now[0] = 100.0
        assert [rate.take() for _ in range(3)] == [True, True, False]
        assert all(Rate(0, lambda: 0.0).take() for _ in range(10_000))

    def test_the_memory_forgets(self) -> None:
        now = [0.0]
        memory = Memory(10, lambda: now[0])
        memory.put(b"a", b"1")
        now[0] = 11
        memory.put(b"b", b"2")
        assert (memory.get(b"a"), memory.get(b"b")) == (b"1", b"2")
        now[0] = 22
        assert (memory.get(b"a"), memory.get(b"b")) == (None, b"2")
        now[0] = 50
        assert memory.get(b"b") is None


class TestHowItIs:
    def test_more_events_than_the_rate_are_left_for_a_repetition(self, tmp_path: Path) -> None:
        with running(tmp_path, events_a_second=3) as service:
            # who has no signature uses nothing up
            refused = [service.post(xml(), {**query(), "signature": "0" * 40}) for _ in range(20)]
            assert set(refused) == {(403, "wrong signature")}
            answers = [service.post(xml(created=CREATED + number)) for number in range(40)]
            assert answers[:3] == [OK] * 3
            assert set(answers) == {OK, (429, "too many events a second")}
            assert len(service.lines) == answers.count(OK)
            # what was left comes again, and is kept then
            left = CREATED + answers.index((429, "too many events a second"))
            end = time.monotonic() + 10
            while service.post(xml(created=left)) != OK and time.monotonic() < end:
                time.sleep(0.1)
            assert datetime.fromtimestamp(left, UTC).isoformat() in [line["created_at"] for line in service.lines]

    def test_a_monitor_is_told_whether_events_reach_the_disk(self, tmp_path: Path) -> None:
        faults = [OSError(28, "No space left on device")]

        def sync(_: int) -> None:
            if faults:
                raise faults.pop()

        with running(tmp_path, sync=sync) as service:

            def health() -> tuple[int, dict[str, Any]]:
                answer = service.client.get("/health")
                return answer.status_code, answer.json()

            well = (200, {"status": "ok", "waiting": 0})
            assert health() == well
            assert service.post(xml()) == (500, "not kept")
            assert health() == (503, {"status": "not writing", "waiting": 0})
            assert service.post(xml()) == OK
            assert health() == well
            assert service.client.get("/anything").status_code == 404
        writer = SegmentWriter(tmp_path)
        assert not writer.health().is_well
        writer.start()
        assert writer.health().is_well
        writer.stop()
        assert not writer.health().is_well


class TestTheDisk:
    def test_an_answer_comes_after_the_disk_has_it(self, tmp_path: Path) -> None:
        synced, answers = threading.Event(), []
        with running(tmp_path, sync=lambda _: _wait(synced)) as service:
            sender = threading.Thread(target=lambda: answers.append(service.post(xml())))
            sender.start()
            sender.join(0.3)
            assert sender.is_alive()
            assert len(service.lines) == 1
            synced.set()
            sender.join(5)
        assert answers == [OK]

    def test_a_slow_disk_is_answered_500_and_the_repetition_success(self, tmp_path: Path) -> None:
        synced = threading.Event()
        with running(tmp_path, sync=lambda _: _wait(synced), answer_seconds=0.2) as service:
            started = time.monotonic()
            assert service.post(xml())[0] == 500
            # the repetition waits for the same line, it does not write another one
            assert service.post(xml())[0] == 500
            assert time.monotonic() - started < 4
            synced.set()
            assert service.post(xml()) == OK
            assert len(service.lines) == 1

    def test_what_could_not_be_written_is_written_when_it_comes_again(self, tmp_path: Path) -> None:
        faults = [OSError(28, "No space left on device")]

        def sync(_: int) -> None:
            if faults:
                raise faults.pop()

        with running(tmp_path, sync=sync) as service:
            assert service.post(xml()) == (500, "not kept")
            assert service.post(xml()) == OK
            # a line that may be torn stays the last of its segment
            assert len(list(tmp_path.glob("*.jsonl"))) == 2

    def test_segments_are_closed_by_size_and_by_age(self, tmp_path: Path) -> None:
        with running(tmp_path / "size", segment_bytes=1) as service:
            assert [service.post(xml(created=CREATED + i)) for i in range(3)] == [OK] * 3
        assert len(list((tmp_path / "size").iterdir())) == 3
        with running(tmp_path / "age", segment_seconds=0.05) as service:
            assert service.post(xml()) == OK
            time.sleep(0.15)
            assert service.post(xml(created=CREATED + 1)) == OK
        assert len(list((tmp_path / "age").iterdir())) == 2


def _wait(event: threading.Event) -> None:
    event.wait(5)


def kill_under_load(folder: Path, times: int) -> None:
    """Kills a receiver again and again while events come, and loads what it kept."""
    home = folder / "home"
    kept: set[tuple[str, int]] = set()
    for run in range(times):
        receiver = RunningReceiver(home)
        with receiver.up() as process:
            load = PushLoad(receiver.port, str(run))
            killer = threading.Timer(0.6 + 0.17 * (run % 5), process.send_signal, [signal.SIGKILL])
            killer.start()
            asyncio.run(load.go(16, time.monotonic() + 5))
            killer.join()
        assert load.kept
        # it was killed while requests were under way
        assert load.sent > len(load.kept)
        kept |= load.kept

    sources = folder / "sources.yml"
    sources.write_text("sources:\n  wechat:\n    - {connector: received}\n", encoding="utf-8")
    settings = Settings(home, sources, date(2026, 11, 20), "Asia/Shanghai", 7)
    load_stream(settings, "wechat")
    (load_,) = store.manifests(settings, "wechat")
    files = [settings.landing / "wechat" / file.path for file in load_.files if file.object == "follower_events"]
    landed = [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]
    good = [(row["openid"], int(row["created_at"].timestamp())) for row in landed if row["row_errors"] is None]
    assert kept <= set(good)
    assert len(good) == len(set(good))
    # a kill tears one line at most
    assert len(landed) - len(good) <= times
    assert "oLoad" not in (folder / "receiver.log").read_text(encoding="utf-8")


def test_kill_9_under_load_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    kill_under_load(tmp_path, 2)


@pytest.mark.heavy
def test_ten_times_kill_9_under_load_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    kill_under_load(tmp_path, 10)
