"""A real Ray of this machine with the application of deploy/ray, until SIGTERM.

`python cluster.py FOLDER PORT`, with deploy/ray in PYTHONPATH; says `ready` on stdout. Two replicas, always.
"""

import signal
import sys
import threading

from app import Options, build

import ray
from ray import serve

REPLICAS = 2
OBJECT_STORE_BYTES = 100_000_000


def main(folder: str, port: int) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    ray.init(
        num_cpus=REPLICAS,
        include_dashboard=False,
        object_store_memory=OBJECT_STORE_BYTES,
        _temp_dir=folder,
    )
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": port})
        serve.run(build(Options(fewest_replicas=REPLICAS, most_replicas=REPLICAS)))
        print("ready", flush=True)
        stop.wait()
    finally:
        serve.shutdown()
        ray.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
