"""Uses the client on a live gateway as programs do: ``CORTEX_GATEWAY``, ``CORTEX_KEY`` and ``CORTEX_TEST_IMAGE`` say which.

Run by ``test/integration/python-client.test.ts``; each test has a name, by which it may be chosen.
"""

import asyncio
import os
import sys
import unittest
from typing import Any

import httpx

from cortex_client import (
    AsyncCortexClient,
    ConflictError,
    ConnectionFailedError,
    CortexClient,
    JobFailedError,
    NotFoundError,
    UnauthorizedError,
    ValidationError,
)
from cortex_client.types import JobSubmission

IMAGE = os.environ["CORTEX_TEST_IMAGE"]
SMALL: dict[str, Any] = {"cpu": 100, "memory": "16Mi", "storage": "16Mi", "network": "none", "stopGraceSeconds": 1}


def job(script: str, **more: Any) -> JobSubmission:
    return {"image": IMAGE, "command": ["sh", "-c", script], "duration": 120, **SMALL, **more}  # type: ignore


class Frame:
    """What of a data frame of pandas is used."""

    def to_csv(self, index: bool = True) -> str:
        assert index is False
        return "env.N\n1\n2\n"


class Sync(unittest.TestCase):
    def setUp(self) -> None:
        self.client = CortexClient()
        self.addCleanup(self.client.close)

    def test_job(self) -> None:
        script = "echo hello; echo bad >&2; mkdir /out; echo kept > /out/file; echo é > /out/é"
        # On a busy machine its provider may not answer in time.
        while not self.client.jobs.estimate(job(script))["accepted"]:
            pass
        done = self.client.jobs.run(job(script, outputs="/out", labels={"by": "python"}))
        self.assertEqual((done["status"], done["results"]["exitCode"]), ("completed", 0))
        lines = {(line["stream"], line["line"]) for line in self.client.jobs.logs(done["id"])}
        self.assertEqual(lines, {("stdout", "hello"), ("stderr", "bad")})
        self.assertEqual(self.client.jobs.output(done["id"], "out/file"), b"kept\n")
        self.assertEqual(self.client.jobs.output(done["id"], "out/file", offset=1, length=2), b"ep")
        found = [one["id"] for one in self.client.jobs.list(labels={"by": "python"}, status=["completed"])]
        self.assertEqual(found, [done["id"]])
        self.assertGreaterEqual(len(self.client.jobs.costs(done["id"])), 1)

    def test_follow(self) -> None:
        begun = self.client.jobs.submit(job("for i in 1 2 3; do echo $i; sleep 1; done; exit 3"))
        lines = [line["line"] for line in self.client.jobs.logs(begun["id"], follow=True)]
        self.assertEqual(lines, ["1", "2", "3"])
        with self.assertRaises(JobFailedError) as raised:
            self.client.jobs.wait(begun["id"], check=True)
        self.assertEqual(raised.exception.job["results"]["exitCode"], 3)

    def test_once(self) -> None:
        key = f"python-{os.getpid()}"
        first = self.client.jobs.submit(job("true"), idempotency_key=key)
        self.assertEqual(self.client.jobs.submit(job("true"), idempotency_key=key)["id"], first["id"])
        self.client.jobs.wait(first["id"])

    def test_change(self) -> None:
        id = self.client.jobs.submit(job("echo changed", maxPrice="0.000001"))["id"]
        changed = self.client.jobs.update(id, {"labels": {"of": "change"}}, name="patient")
        self.assertEqual((changed["name"], changed["labels"]), ("patient", {"of": "change"}))
        self.client.jobs.update(id, maxPrice=None)
        self.assertEqual(self.client.jobs.wait(id)["status"], "completed")
        with self.assertRaises(ConflictError):
            self.client.jobs.update(id, name="late")

    def test_sandbox(self) -> None:
        with self.client.sandbox(IMAGE, ttl=1_800, **{**SMALL, "network": "bridge"}, ports=[{"port": 8000}]) as box:
            box.files.write("/work/a b/run", "echo \"$1\"; exit 4", mode=0o755)
            ran = box.exec("'/work/a b/run' hi")
            self.assertEqual((ran["exitCode"], ran["stdout"]), (4, "hi\n"))
            self.assertEqual(box.exec(["echo", "a b"])["stdout"], "a b\n")
            there = box.exec('pwd; echo "$A"', cwd="/work/a b", env={"A": "b  c"})
            self.assertEqual(there["stdout"], "/work/a b\nb  c\n")
            outputs = list(box.stream("echo one; echo é; echo bad >&2; exit 3"))
            self.assertEqual(outputs[-1], {"type": "exit", "exitCode": 3})
            self.assertEqual("".join(one["text"] for one in outputs if one["type"] == "stdout"), "one\né\n")
            self.assertEqual(box.files.read("/work/a b/run", length=4), b"echo")
            entries = box.files.list("/work")["entries"] or []
            self.assertEqual([entry["name"] for entry in entries], ["a b"])
            box.exec(["httpd", "-p", "8000", "-h", "/work"])
            url, headers = box.port(8000)
            self.assertIn("echo", httpx.get(f"{url}a%20b/run", headers=headers).text)
            self.assertIn("8000--", box.link(8000)["url"])
            more = self.client.jobs.extension(box.id, 60)
            self.assertIsNotNone(more["endsAt"])
            self.assertEqual(box.extend(60)["duration"], more["duration"])
            box.files.remove("/work", recursive=True)
            with self.assertRaises(NotFoundError):
                box.files.read("/work/a b/run")
        self.assertEqual(self.client.jobs.wait(box.id)["status"], "cancelled")

    def test_batches(self) -> None:
        base = job("echo $N", duration=60)
        rows = self.client.batches.submit_rows([{"env.N": 1}, {"env.N": "2,\n3"}], base, concurrency=1)  # type: ignore
        frame = self.client.batches.submit_rows(Frame(), base)  # type: ignore
        listed = self.client.batches.submit([job("echo one"), job("echo two")])
        for batch in (rows, frame, listed):
            self.assertEqual(len(batch["jobIds"]), 2)
            ended = self.client.batches.wait(batch["batchId"])
            folded = [one["batch"]["id"] for one in self.client.jobs.list(fold=True) if "batch" in one]
            self.assertEqual(folded.count(batch["batchId"]), 1)
            self.assertEqual(ended["counts"]["completed"], 2)
        said = "\n".join(line["line"] for line in self.client.jobs.logs(rows["jobIds"][1]))
        self.assertEqual(said, "2, 3")
        costs = self.client.costs(groupBy="provider", period="24h", timezone="Europe/Berlin")
        self.assertGreaterEqual(costs["total"]["jobs"], 6)
        self.assertEqual(self.client.forecast()["basis"]["days"], 0)
        with self.assertRaises(ValidationError) as raised:
            self.client.batches.check_rows("cpu\nmany\n", base)  # type: ignore
        self.assertEqual(raised.exception.details["rows"][0]["column"], "cpu")

    def test_errors(self) -> None:
        with self.assertRaises(ValidationError) as raised:
            self.client.jobs.submit(image=IMAGE, walltime=5)
        self.assertEqual(raised.exception.fields[0]["path"], "walltime")
        with self.assertRaises(NotFoundError) as missing:
            self.client.jobs.get("job_01k8m3q7w9x2v5n4c6b8d0f1g3")
        self.assertEqual(missing.exception.code, "JOB_NOT_FOUND")
        with CortexClient(api_key="ck_wrong") as stranger, self.assertRaises(UnauthorizedError):
            stranger.me()
        with CortexClient("http://127.0.0.1:9", retries=0) as nowhere, self.assertRaises(ConnectionFailedError):
            nowhere.me()
        with self.assertRaises(ValueError):
            CortexClient("localhost:13000")


class Awaited(unittest.IsolatedAsyncioTestCase):
    async def test_all(self) -> None:
        async with AsyncCortexClient() as client:
            self.assertTrue((await client.me())["admin"])
            sellers = [provider async for provider in client.providers()]
            self.assertEqual(len(sellers), 1)
            two = await asyncio.gather(*(client.jobs.run(job(f"echo {n}")) for n in (1, 2)))
            for number, done in zip((1, 2), two):
                lines = [line["line"] async for line in client.jobs.logs(done["id"], follow=True)]
                self.assertEqual(lines, [str(number)])
            async with client.sandbox(IMAGE, ttl=1_800, **SMALL) as box:
                await box.files.write("/note", b"\x00\xff")
                self.assertEqual(await box.files.read("/note"), b"\x00\xff")
                self.assertEqual((await box.exec("wc -c < /note"))["stdout"].strip(), "2")
            batch = await client.batches.submit([job("true")])
            self.assertEqual((await client.batches.wait(batch["batchId"], every=0.2))["status"], "completed")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
