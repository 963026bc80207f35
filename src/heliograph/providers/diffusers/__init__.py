"""Open models of this machine, through the library diffusers: the provider `diffusers`.

`provider.py` and `engine.py` run in the service and never import torch. Each model has a process of
its own (`child.py`), in which a painter (`painter.py`) makes the pictures: that of `pipeline.py`, or
another one that a test brings.
"""
