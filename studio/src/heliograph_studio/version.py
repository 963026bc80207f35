"""The version that is part of every picture: same seed and version, same bytes."""

VERSION = "0.1.0"
