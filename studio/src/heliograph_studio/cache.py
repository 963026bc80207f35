"""Where compiled kernels are kept."""

import hashlib
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

KERNELS = Path(__file__).parent / "kernels"


def default_cache_dir() -> Path:
    """The folder for whoever names none: inside a virtual environment, else the user's own."""
    if sys.prefix != sys.base_prefix:
        return Path(sys.prefix) / "share" / "heliograph-studio"
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "heliograph-studio"


def use_cache(cache_dir: Path) -> None:
    """Point numba and the thread pools at their settings; call before numba is imported.

    Kernels that were compiled into the default folder are copied from there, so that warming up
    once serves every cache_dir. One process draws on one core: parallel pictures are parallel
    children.
    """
    folder = cache_dir / _folder_name()
    ready = default_cache_dir() / folder.name
    if not folder.exists() and ready.is_dir():
        _copy(ready, folder)
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _folder_name() -> str:
    """Numba notices a change of the calling file only: the name has a digest of every source."""
    digest = hashlib.sha256()
    for source in sorted(KERNELS.glob("*.py")):
        digest.update(source.read_bytes())
    return f"kernels-{digest.hexdigest()[:12]}"


def _copy(ready: Path, folder: Path) -> None:
    """All of it or nothing, whoever else copies at the same time."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as draft:
        copied = shutil.copytree(ready, Path(draft) / folder.name)
        with suppress(OSError):
            copied.rename(folder)
