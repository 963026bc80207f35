"""An operator at the pages of the operator, as far as HTTP goes."""

from typing import Any

import httpx2

from contract.service import Service
from contract.visitor import FROM_PAGE
from heliograph.accounts.sessions.sign_in import offer_account_link, offer_operator_link

ADMIN = "/api/v1/admin"


class Operator:
    """Somebody with the cookie of a session: an operator's, or with `account_id` that account's."""

    def __init__(self, service: Service, account_id: str | None = None, name: str = "Ada") -> None:
        self.service = service
        self.http = httpx2.Client(base_url=service.url, headers=FROM_PAGE, timeout=20)
        pool, now = service.runtime.pool, service.clock.now()
        offer = (
            offer_account_link(pool, account_id, now=now)
            if account_id
            else offer_operator_link(pool, name, now=now)
        )
        self.http.post(service.run(offer).address(""))

    def get(self, path: str, **query: object) -> Any:
        """The `data` of what can be read."""
        answer = self.http.get(f"{ADMIN}/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def post(self, path: str, body: object = None, **headers: str) -> httpx2.Response:
        return self.http.post(f"{ADMIN}/{path}", json=body or {}, headers=headers)

    def done(self, path: str, body: object = None, **headers: str) -> Any:
        """The `data` of something that was done."""
        answer = self.post(path, body, **headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def log(self, account_id: str | None = None) -> list[dict[str, Any]]:
        """The youngest lines of the log, the youngest first."""
        return self.get("log", **({"accountId": account_id} if account_id else {}))["items"]
