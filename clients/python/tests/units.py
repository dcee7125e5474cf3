"""What the client knows without a gateway: pieces of a stream, cells of a row, what is sent once more."""

import asyncio
import json
import unittest
from typing import Iterator

import httpx

from cortex_client import AsyncCortexClient, CortexClient, ConflictError, CortexError, ServerError
from cortex_client._requests import EventParser, base_of, csv_of, query_of, words_of


class Parts(unittest.TestCase):
    def test_events_come_in_any_pieces(self) -> None:
        stream = ": hello\nid: 1\ndata: {\"a\":\ndata: \"\u2028\u00e9\"}\n\nid: 2\r\nevent: end\r\ndata: null\r\n\r\nid: 3\n\n".encode()
        for size in (1, 2, 7, len(stream)):
            parser = EventParser()
            events = [
                (event.id, event.name, event.data)
                for at in range(0, len(stream), size)
                for event in parser.feed(stream[at : at + size])
            ]
            self.assertEqual(events, [("1", "message", {"a": "\u2028\u00e9"}), ("2", "end", None)], size)
            self.assertEqual(parser.last_id, "3")

    def test_an_event_has_an_end(self) -> None:
        parser = EventParser()
        with self.assertRaises(CortexError):
            for _ in range(20):
                list(parser.feed(b"data: " + b"x" * 2**20))

    def test_rows(self) -> None:
        rows = [{"env.A": "x,y", "ports": [{"port": 80}]}, {"env.A": None, "init": True, "cpu": 5}]
        expected = 'env.A,ports,init,cpu\n"x,y","[{""port"": 80}]",,\n,,true,5\n'
        self.assertEqual(csv_of(rows).decode(), expected)
        self.assertEqual(csv_of("a\n1\n"), b"a\n1\n")
        with self.assertRaises(ValueError):
            csv_of([])

    def test_addresses_and_words(self) -> None:
        for url in ("http://h:1", "http://h:1/", "http://h:1/api/v1"):
            self.assertEqual(base_of(url), "http://h:1/api/v1")
        self.assertEqual(base_of("https://h/api"), "https://h/api")
        self.assertEqual(query_of({"a": True, "b": None, "c": ["x", 1]}), {"a": "true", "c": "x,1"})
        self.assertEqual(words_of("a b"), ["sh", "-c", "a b"])


def answer(status: int, data: object = None, **headers: str) -> httpx.Response:
    error = {"success": False, "error": {"code": "STORE_UNAVAILABLE", "message": "full"}}
    body = {"success": True, "data": data} if status < 300 else error
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): text for name, text in headers.items()})


class Repeats(unittest.TestCase):
    def client(self, answers: Iterator[httpx.Response]) -> CortexClient:
        self.asked: list[httpx.Request] = []

        def handle(request: httpx.Request) -> httpx.Response:
            self.asked.append(request)
            return next(answers)

        return CortexClient("http://gateway", "ck_test", http=httpx.Client(transport=httpx.MockTransport(handle)))

    def test_a_submission_under_one_key(self) -> None:
        client = self.client(iter([answer(503, retry_after="0"), answer(502), answer(201, {"id": "job_1"})]))
        self.assertEqual(client.jobs.submit(image="busybox")["id"], "job_1")
        keys = {request.headers["idempotency-key"] for request in self.asked}
        self.assertEqual((len(self.asked), len(keys)), (3, 1))
        self.assertEqual(self.asked[0].headers["authorization"], "Bearer ck_test")

    def test_what_may_have_been_done_is_not_done_again(self) -> None:
        client = self.client(iter([answer(502)]))
        with self.assertRaises(ServerError):
            client.jobs.exec("job_1", "date")
        client = self.client(iter([answer(409)]))
        with self.assertRaises(ConflictError):
            client.jobs.get("job_1")

    def test_a_stream_goes_on_where_it_broke(self) -> None:
        pieces = ['id: 1\ndata: {"line":"a"}\n\n', 'id: 2\ndata: {"line":"b"}\n\nevent: end\ndata: {}\n\n']
        client = self.client(httpx.Response(200, text=piece) for piece in pieces)
        self.assertEqual([line["line"] for line in client.jobs.logs("job_1", follow=True)], ["a", "b"])
        self.assertEqual(self.asked[1].headers["last-event-id"], "1")

    def test_a_machine_to_work_in_is_made_once(self) -> None:
        started = httpx.Response(200, text='id: 1\ndata: {"type":"started"}\n\n')
        client = self.client(iter([answer(201, {"id": "job_1"}), started, answer(200, {"id": "job_1"})]))
        with client.sandbox("busybox", maxAttempts=2).start() as box:
            self.assertEqual(box.id, "job_1")
        sent = json.loads(self.asked[0].content)
        self.assertEqual((len(self.asked), sent["maxAttempts"], sent["stopGraceSeconds"]), (3, 2, 1))
        client.sandbox("busybox").stop()
        self.assertEqual(len(self.asked), 3)

    def test_what_kept_a_machine_from_running_is_told(self) -> None:
        failed = {"id": "job_1", "status": "failed", "error": {"code": "NO_PROVIDER", "message": "none"}}
        end = httpx.Response(200, text="event: end\ndata: {}\n\n")
        client = self.client(iter([answer(201, {"id": "job_1"}), end, answer(200, failed), answer(500)]))
        with self.assertRaises(CortexError) as caught:
            client.sandbox("busybox").start()
        self.assertEqual((caught.exception.code, caught.exception.details["jobId"]), ("NO_PROVIDER", "job_1"))

    def test_what_is_no_machine_to_work_in(self) -> None:
        client = self.client(iter([]))
        for fields in ({"idle": -1}, {"idle": 1.5}, {"idle": True}, {"command": ["ls"]}, {"args": ["x"]}, {"duration": 5}):
            with self.assertRaises(ValueError, msg=str(fields)):
                client.sandbox("busybox", **fields)

    def test_what_breaks_a_command_is_told_by_its_class(self) -> None:
        text = 'event: error\ndata: {"code":"JOB_STATE_CONFLICT","message":"ended","status":409}\n\n'
        client = self.client(iter([httpx.Response(200, text=text)]))
        with self.assertRaises(ConflictError):
            list(client.jobs.exec_stream("job_1", "date"))

    def test_the_same_awaited(self) -> None:
        answers = iter([answer(502), answer(200, {"id": "job_1"})])
        transport = httpx.MockTransport(lambda _: next(answers))

        async def ask() -> str:
            async with AsyncCortexClient("http://gateway", http=httpx.AsyncClient(transport=transport)) as client:
                return (await client.jobs.get("job_1"))["id"]

        self.assertEqual(asyncio.run(ask()), "job_1")


if __name__ == "__main__":
    unittest.main()
