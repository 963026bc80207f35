"""Result pictures come from DashScope's own buckets, or from the host that was configured."""

import pytest
from PIL import Image
from yarl import URL

from heliograph.providers.dashscope.results import PictureFetcher, picture_type
from support.dashscope_pictures import bomb, png
from support.image_jobs import reference

ALLOWED = [
    "https://dashscope-result-sh.oss-cn-shanghai.aliyuncs.com/7d/a.png?Expires=1&Signature=x%3D",
    "https://dashscope-result-intl.oss-cn-singapore.aliyuncs.com/a.png",
    "https://dashscope-463f.oss-accelerate.aliyuncs.com/a.png",
    "https://dashscope-result-wlcb-acdr-1.oss-cn-wulanchabu-acdr-1.aliyuncs.com/a.png",
    "http://gateway.local:8090/results/a.png",
]
REFUSED = [
    "http://dashscope-result-sh.oss-cn-shanghai.aliyuncs.com/a.png",
    "https://mallory.oss-cn-shanghai.aliyuncs.com/a.png",
    "https://dashscope-x.oss-y.aliyuncs.com.mallory.example/a.png",
    "https://dashscope-x.oss-y.aliyuncs.com@mallory.example/a.png",
    "https://gateway.local:8090/a.png",
    "http://gateway.local:22/a.png",
    "http://169.254.169.254/latest/meta-data",
    "file:///etc/passwd",
    "/a.png",
]


@pytest.fixture
def fetcher():
    return PictureFetcher(URL("http://gateway.local:8090/api/v1"), timeout_seconds=1)


@pytest.mark.parametrize("url", ALLOWED)
def test_a_documented_result_host_and_the_configured_one_are_allowed(fetcher, url):
    assert fetcher._allowed(URL(url, encoded=True))


@pytest.mark.parametrize("url", REFUSED)
def test_any_other_address_is_refused(fetcher, url):
    assert not fetcher._allowed(URL(url, encoded=True))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_known_by_its_header(kind):
    picture = reference(Image.new("RGB", (40, 30)), kind)
    assert picture_type(picture.data) == picture.content_type


@pytest.mark.parametrize(
    "data",
    [b"", b"<html>", b"\x89PNG\r\n\x1a\n", bomb(), png((5000, 5000), "too many pixels")],
    ids=["nothing", "a page", "a stump", "a bomb", "too many pixels"],
)
def test_what_is_no_sound_picture_has_no_type(data):
    assert picture_type(data) is None
