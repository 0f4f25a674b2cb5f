"""The predecessor's way to train, with RunPod's own Python SDK: a request for each epoch, the data as JSON lists.

    python predecessor.py BASE_URL ENDPOINT_ID KEY EPOCHS run_sync|run < digits.csv

Prints the seconds that the epochs took, Python's own start left out. "run" waits as
the SDK's documentation shows, with job.output(), which asks for the status once a
second; "run_sync" waits in one request.
"""
import csv
import sys
import time

import runpod

base, endpoint_id, key, epochs, way = sys.argv[1:]
runpod.api_key = key
runpod.endpoint_url_base = base
endpoint = runpod.Endpoint(endpoint_id)

rows = [[int(v) for v in row] for row in csv.reader(sys.stdin)]
features = [[v / 16 for v in row[:64]] for row in rows]
labels = [row[64] for row in rows]


def linear(n_in, n_out):
    return {"type": "linear", "in_features": n_in, "out_features": n_out}


state = None
started = time.perf_counter()
for _ in range(int(epochs)):
    job_input = {
        "operation": "train_epoch",
        "model_config": {
            "type": "sequential",
            "layers": [linear(64, 128), {"type": "relu"}, linear(128, 64), {"type": "relu"}, linear(64, 10)],
        },
        "training_data": {"features": features, "labels": labels},
        "hyperparameters": {"optimizer": "adam", "learning_rate": 0.002, "loss_function": "cross_entropy"},
    }
    if state:
        job_input["model_state"] = state
    body = {"input": job_input}
    output = endpoint.run(body).output(timeout=600) if way == "run" else endpoint.run_sync(body)
    state = output["model_state"]
print(time.perf_counter() - started)
