"""Calls the endpoint and the management API with RunPod's SDK 2.0; prints the answers as JSON.

The endpoint's id is "flash", because the SDK's Queue asks for that id whatever its resource is called.
"""

import asyncio
import json
import sys

from runpod.api.rest import run_rest_paginated_request_async, run_rest_request
from runpod.apps.api import AppsApiClient

import runpod

seen = {"version": runpod.__version__}

# The job API. The service may not know a new job yet; then the SDK asks again.
queue = runpod.Queue(app="any", name="any")
seen["remote"] = queue.remote(value={"a": 1})
seen["empty"] = queue.remote()
seen["stream"] = list(queue.stream(**{"yield": 3, "value": "end"}))
job = queue.spawn(value=5)
seen["result"] = job.result()
seen["status"] = job.status()
blocked = queue.with_options(execution_timeout=60_000, ttl=120_000).spawn(block=True)
seen["cancelled"] = blocked.cancel().status()
failed = queue.spawn(fail="on purpose")
try:
    failed.result()
except Exception as err:  # the SDK's RemoteExecutionError
    seen["failed"] = type(err).__name__ + ": " + str(err)
seen["retried"] = failed.retry()._data["status"]
seen["found"] = queue.job(job.id).status()

# The management API.
seen["gpu"] = runpod.get_gpu("NVIDIA L4")["maxCount"]
seen["gpus"] = len(runpod.get_gpus())
template = runpod.create_template("t", "user/worker:1", container_disk_in_gb=20, env={"A": "b"}, is_serverless=True, volume_in_gb=20, ports="80/http")
endpoint = runpod.create_endpoint("e", template["id"], "ADA_24,-NVIDIA L4", locations="EU-RO-1", workers_max=1, flashboot=True, allowed_cuda_versions="12.8")
seen["endpoint"] = [endpoint["image"], endpoint["env"], endpoint["flashboot"], endpoint["gpu"]["excludedTypes"], endpoint["dataCenterIds"]]
other = runpod.create_template("u", "user/worker:2", is_serverless=True)
seen["updated"] = runpod.update_endpoint_template(endpoint["id"], other["id"])["image"]
seen["endpoints"] = len(runpod.get_endpoints())
for name in "abc":
    run_rest_request("POST", "/v2/network-volumes", json={"name": name, "size": 10, "dataCenter": "EU-RO-1"})
volumes = asyncio.run(run_rest_paginated_request_async("/v2/network-volumes", "networkVolumes"))
seen["volumes"] = sorted(v["name"] for v in volumes)
try:
    runpod.create_endpoint("e", "none", "ADA_24")
except Exception as err:
    seen["unknown"] = type(err).__name__ + ": " + str(err)
hub = runpod.create_container_registry_auth("hub", "user", "password")
private = runpod.create_template("p", "user/worker:3", is_serverless=True, registry_auth_id=hub["id"])
seen["registry"] = [hub["name"], private["registry"] == hub["id"], runpod.delete_container_registry_auth(hub["id"])]
try:
    runpod.create_template("q", "user/worker:3", is_serverless=True, registry_auth_id=hub["id"])
except Exception as err:
    seen["gone"] = type(err).__name__ + ": " + str(err)


async def stocks():
    api = AppsApiClient(api_key=runpod.api_key)
    return [await api.gpu_stock_status("NVIDIA L4", "EU-RO-1"), await api.cpu_stock_status("cpu3g-2-8", "EU-RO-1"), await api.list_registry_auths()]


seen["stock"] = asyncio.run(stocks())
try:
    runpod.get_pods()
except Exception as err:
    seen["pods"] = type(err).__name__ + ": " + str(err)
json.dump(seen, sys.stdout)
