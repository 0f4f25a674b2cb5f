"""Calls the endpoint with RunPod's own client; prints the answers as JSON."""

import asyncio
import json
import os
import sys
import time

import runpod
from runpod import AsyncioEndpoint, AsyncioJob, http_client

runpod.api_key = os.environ["RUNPOD_API_KEY"]
endpoint = runpod.Endpoint(sys.argv[1])
seen = {}

seen["run_sync"] = endpoint.run_sync({"value": {"a": 1}})

job = endpoint.run({"input": {"yield": 3, "value": "end"}})
seen["stream"] = list(job.stream())
seen["status"] = job.status()
seen["output"] = job.output()

blocked = endpoint.run({"block": True})
while blocked.status() != "IN_PROGRESS":
    time.sleep(0.05)
seen["cancel"] = blocked.cancel()
seen["cancelled"] = blocked.status()

failed = endpoint.run({"fail": "on purpose"})
seen["failed_output"] = failed.output(timeout=10)
seen["failed"] = failed.status()
seen["health"] = endpoint.health()
seen["purge"] = endpoint.purge_queue()

try:
    runpod.Endpoint(sys.argv[1], api_key="rpa_wrong").run({"value": 1})
except RuntimeError as err:
    seen["wrong_key"] = str(err)


async def asynchronous():
    async with http_client.AsyncClientSession() as session:
        ep = AsyncioEndpoint(sys.argv[1], session)
        task: AsyncioJob = await ep.run({"value": 5})
        seen["async_output"] = await task.output(timeout=10)
        seen["async_status"] = await task.status()
        seen["async_health"] = await ep.health()


asyncio.run(asynchronous())
json.dump(seen, sys.stdout)
