"""A reference picture that has been fetched, checked and normalised."""

from dataclasses import dataclass

#: How a data URL with a picture begins; between type and encoding there may be parameters, a character set
#: or a name (RFC 2397). Upper and lower case are spelled out, because a JSON Schema knows no flags.
DATA_URL_HEAD = (
    "[dD][aA][tT][aA]:[iI][mM][aA][gG][eE]/[a-zA-Z0-9.+-]{1,40}"
    "(?:;[a-zA-Z0-9.+_-]{1,40}=[^;,]{0,80}){0,4};[bB][aA][sS][eE]64,"
)

#: How whatever may stand in `image_urls` begins.
IMAGE_URL_START = f"(?:[hH][tT][tT][pP][sS]?://|{DATA_URL_HEAD})"


@dataclass(frozen=True)
class Reference:
    """One of the pictures that an edit starts from: an RGB PNG, or a JPEG, without alpha.

    `width` and `height` are in pixels and those of `data`.
    """

    data: bytes
    content_type: str
    width: int
    height: int
