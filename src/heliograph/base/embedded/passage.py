"""What root has to do so that PostgreSQL, which refuses to run as root, can run as another user.

PostgreSQL gets a system user of its own, and that user may pass through (not list, not read) the
folders above its files: by an access-control entry for that user alone, or, where the file system
knows none, by the folder's search bit for others. Whatever is changed is reported.
"""

import errno
import os
import pwd
import shutil
import stat
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from heliograph.base.embedded.filelock import looks
from heliograph.base.errors import OperatorError

DATABASE_USER = "heliograph-db"
OTHERS_SECONDS = 5.0

# Linux keeps an access-control list as an extended attribute: a version, then entries of
# (tag, permissions, id); see acl(5) and the kernel's posix_acl_xattr.h.
ACL = "system.posix_acl_access"
ACL_HEADER = struct.pack("<I", 2)
ENTRY = struct.Struct("<HHI")
OWNER, USER, GROUP, NAMED_GROUP, MASK, OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
NO_ID = 0xFFFFFFFF
SEARCH = 0o1
READABLE = 0o055


@dataclass(frozen=True)
class Identity:
    """The user that PostgreSQL runs as."""

    uid: int
    gid: int

    def is_other(self) -> bool:
        """Whether it is not the user of this process."""
        return self.uid != os.geteuid()

    def may_search(self, folder: os.stat_result) -> bool:
        """Whether the permission bits let this user pass through the folder."""
        shift = 6 if folder.st_uid == self.uid else 3 if folder.st_gid == self.gid else 0
        return bool(folder.st_mode >> shift & SEARCH)


def choose_identity(data_dir: Path, cluster: Path) -> tuple[Identity, list[str]]:
    """Who PostgreSQL runs as, and what had to be changed for it.

    An ordinary user's PostgreSQL runs as that user; root's as the owner of the cluster, else as
    the owner of the data directory, else as a system user added for it.
    Raises OperatorError when the cluster is another user's, or when no user can be added.
    """
    owner = cluster.stat().st_uid if cluster.exists() else data_dir.stat().st_uid
    if os.geteuid() != 0:
        if cluster.exists() and owner != os.geteuid():
            raise OperatorError(
                f"{cluster} belongs to user {owner}, and this is user {os.geteuid()}: run "
                "Heliograph as that user, or choose another HELIOGRAPH_DATA_DIR."
            )
        return Identity(os.geteuid(), os.getegid()), []
    if owner != 0 and (cluster.exists() or _is_known(owner)):
        place = cluster if cluster.exists() else data_dir
        return Identity(owner, place.stat().st_gid), []
    changes = [] if _is_known(DATABASE_USER) else _add_user()
    entry = pwd.getpwnam(DATABASE_USER)
    return Identity(entry.pw_uid, entry.pw_gid), changes


def open_passage(identity: Identity, target: Path) -> list[str]:
    """Let `identity` pass through every folder above `target`; what had to be changed for it."""
    if not identity.is_other():
        return []
    closed = [folder for folder in target.parents if not identity.may_search(folder.stat())]
    return [change for folder in reversed(closed) for change in _open_folder(identity, folder)]


def open_programs(identity: Identity, tree: Path) -> list[str]:
    """Let `identity` run what is under `tree` (PostgreSQL as published, nothing private)."""
    if not identity.is_other():
        return []
    changes = open_passage(identity, tree / "bin" / "postgres")
    # An installer applies one umask to all files, so two of them stand for the rest.
    if all(path.stat().st_mode & READABLE == READABLE for path in (tree, tree / "bin" / "initdb")):
        return changes
    for path in (tree, *tree.rglob("*")):
        mode = path.stat().st_mode
        runnable = READABLE & 0o111 if mode & stat.S_IXUSR else 0
        path.chmod(mode | READABLE & 0o444 | runnable)
    return [*changes, f"let all users read PostgreSQL's programs in {tree}"]


def give(identity: Identity, path: Path) -> list[str]:
    """Make `path` and all that is in it belong to `identity`; what had to be changed for it."""
    if not identity.is_other() or path.stat().st_uid == identity.uid:
        return []
    for inner in (*path.rglob("*"), path):
        os.chown(inner, identity.uid, identity.gid, follow_symlinks=False)
    return [f"gave {path} to user {identity.uid}"]


def leave_to_owner(identity: Identity, home: Path) -> None:
    """After root, the owner of the data directory must still be able to run the database."""
    if identity.is_other() and home.parent.stat().st_uid == identity.uid:
        for path in (home, *home.iterdir()):
            os.chown(path, identity.uid, identity.gid, follow_symlinks=False)


def _open_folder(identity: Identity, folder: Path) -> Iterator[str]:
    try:
        entries = _read_acl(folder)
        if _lets_pass(entries, identity.uid):
            return
        os.setxattr(folder, ACL, _with_search(entries, identity.uid))
        yield f"let user {identity.uid} pass through {folder} (access-control entry)"
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
        yield f"let all users pass through {folder} (chmod o+x)"


def _read_acl(folder: Path) -> list[tuple[int, int, int]]:
    try:
        data = os.getxattr(folder, ACL)
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
        mode = folder.stat().st_mode
        bits = ((OWNER, mode >> 6), (GROUP, mode >> 3), (OTHER, mode))
        return [(tag, permissions & 0o7, NO_ID) for tag, permissions in bits]
    return list(ENTRY.iter_unpack(data[len(ACL_HEADER) :]))


def _lets_pass(entries: list[tuple[int, int, int]], uid: int) -> bool:
    """Whether the user's entry counts: a later chmod sets the mask, which may silence it."""
    mask = next((permissions for tag, permissions, _ in entries if tag == MASK), SEARCH)
    return any(tag == USER and who == uid for tag, _, who in entries) and bool(mask & SEARCH)


def _with_search(entries: list[tuple[int, int, int]], uid: int) -> bytes:
    """The list with one more user who may search. The mask caps what groups and users get."""
    others = [entry for entry in entries if entry[0] != MASK and entry[::2] != (USER, uid)]
    mask = next((permissions for tag, permissions, _ in entries if tag == MASK), None)
    if mask is None:
        mask = next(permissions for tag, permissions, _ in entries if tag == GROUP)
    extended = [*others, (USER, SEARCH, uid), (MASK, mask | SEARCH, NO_ID)]
    return ACL_HEADER + b"".join(ENTRY.pack(*entry) for entry in sorted(extended, key=_order))


def _order(entry: tuple[int, int, int]) -> tuple[int, int]:
    return entry[0], entry[2]


def _is_known(user: int | str) -> bool:
    try:
        _ = pwd.getpwuid(user) if isinstance(user, int) else pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _add_user() -> list[str]:
    useradd, adduser = shutil.which("useradd"), shutil.which("adduser")
    command = ["--system", "--no-create-home", "--shell", "/usr/sbin/nologin", DATABASE_USER]
    if useradd is None:  # BusyBox
        command = ["-S", "-D", "-H", DATABASE_USER]
    try:
        program = useradd or adduser or "useradd"
        done = subprocess.run(  # noqa: S603 - nothing in it comes from outside
            [program, *command], capture_output=True, text=True, check=False
        )
        said = done.stderr.strip()
    except OSError as error:
        said = str(error)
    # Another process may be adding it at this moment.
    if not any(_is_known(DATABASE_USER) for _ in looks(OTHERS_SECONDS)):
        raise OperatorError(
            f"PostgreSQL does not run as root, and the system user {DATABASE_USER} could not be "
            f"added ({said}). Run Heliograph as an ordinary user, add that user yourself, or give "
            "a PostgreSQL of your own with HELIOGRAPH_DATABASE_URL."
        )
    return [f"added the system user {DATABASE_USER}"]
