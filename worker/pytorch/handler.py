#!/usr/bin/env python3
"""The worker's entry, for the image and for gopherpod local --worker pytorch; the package holds the rest.

    python3 handler.py                    a worker (or --rp_serve_api, --test_input: the SDK's own)
    python3 handler.py --self-test        trains, evaluates and predicts once; exit code 0 if all is well
"""

import sys

from gopherpod_worker import volume

if __name__ == "__main__":
    volume.enter()  # before PyTorch is loaded, which starts threads
    from gopherpod_worker.handler import main

    sys.exit(main())
