"""Reads {name: {input, rows}} from stdin, checks NAME.onnx in a folder, and writes what onnxruntime predicts.

    python onnx_outputs.py FOLDER
"""

import json
import pathlib
import sys

import numpy
import onnx
import onnxruntime

out = {}
for name, case in json.load(sys.stdin).items():
    path = str(pathlib.Path(sys.argv[1]) / f"{name}.onnx")
    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    x = numpy.array(case["rows"], dtype=numpy.float32).reshape(-1, *case["input"])
    (y,) = session.run(None, {"input": x})
    want = session.get_outputs()[0].shape
    if want[0] != "batch" or list(y.shape[1:]) != want[1:]:
        sys.exit(f"{name}: the file promises {want}, it gives {y.shape}")
    out[name] = y.reshape(len(x), -1).tolist()
json.dump(out, sys.stdout)
