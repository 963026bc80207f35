"""Where compiled kernels are kept."""

import hashlib
import os
from pathlib import Path

KERNELS = Path(__file__).parent / "kernels"


def use_cache(cache_dir: Path) -> None:
    """Point numba and the thread pools at their settings; call before numba is imported.

    Numba notices a change of the calling file only, so the folder's name carries a digest of
    every kernel source. One process draws on one core: parallel pictures are parallel children.
    """
    digest = hashlib.sha256()
    for source in sorted(KERNELS.glob("*.py")):
        digest.update(source.read_bytes())
    folder = cache_dir / f"kernels-{digest.hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
