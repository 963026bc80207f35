"""Who gives a command, for the log of what operators do."""

import getpass


def operator_here() -> str:
    """The name under which the system knows the person at the command line."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):  # a container's user may have no name
        return "command line"
