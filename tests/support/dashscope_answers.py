"""The answers of DashScope, of its object storage and of what may stand in between."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from starlette.responses import JSONResponse, Response, StreamingResponse

from support.dashscope_pictures import bomb, endless

HTML = "<html><body><h1>Bad Gateway</h1></body></html>"
CHINA = timezone(timedelta(hours=8))


def answer(body: Mapping[str, Any], status: int = 200) -> Response:
    return JSONResponse({**body, "request_id": str(uuid.uuid4())}, status)


def status_answer(
    task_id: str,
    status: str,
    *details: Mapping[str, Any],
    usage: Mapping[str, Any] | None = None,
) -> Response:
    output: dict[str, Any] = {"task_id": task_id, "task_status": status}
    for detail in details:
        output.update(detail)
    return answer({"output": output, **({} if usage is None else {"usage": usage})})


def metrics(total: int, *, made: int = 0, failed: int = 0) -> dict[str, Any]:
    return {"task_metrics": {"TOTAL": total, "SUCCEEDED": made, "FAILED": failed}}


def china_time(moment: float) -> str:
    there = datetime.fromtimestamp(moment, CHINA)
    return there.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def china_digits(moment: float) -> str:
    return datetime.fromtimestamp(moment, CHINA).strftime("%Y%m%d%H%M%S")


def xml_refusal(code: str) -> Response:
    return Response(f"<Error><Code>{code}</Code></Error>", 403, media_type="application/xml")


def proxy_answer(status: int) -> Response:
    return Response(HTML, status, media_type="text/html")


def picture(data: bytes) -> Response:
    return Response(data, media_type="image/png")


def faulty(how: str) -> Response | None:
    """The answer to a request for a result picture that goes wrong in this way."""
    match how:
        case "404" | "500":
            return Response("as asked", int(how))
        case "text":
            return picture(b"this is no picture")
        case "redirect":
            return Response(status_code=302, headers={"Location": "http://127.0.0.1:1/"})
        case "huge":
            return StreamingResponse(endless(), media_type="image/png")
        case "bomb":
            return picture(bomb())
        case _:
            return None
