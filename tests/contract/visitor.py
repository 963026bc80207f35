"""A visitor of the pages, as far as the server sees one."""

import httpx2

from contract.service import Service
from heliograph.accounts.sessions.sign_in import offer_account_link, offer_operator_link

SESSION = "/api/v1/session"
COOKIE = "heliograph_session"
FROM_PAGE = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}


class Visitor:
    """A browser as far as HTTP goes: it keeps the cookie, and says where its requests come from."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.http = httpx2.Client(base_url=service.url, timeout=20)

    def link(self, account_id: str | None = None) -> str:
        """The path of a link for an account, or for an operator."""
        pool, now = self.service.runtime.pool, self.service.clock.now()
        offer = (
            offer_account_link(pool, account_id, now=now)
            if account_id
            else offer_operator_link(pool, "Ada", now=now)
        )
        return self.service.run(offer).address("")

    def follow(self, link: str) -> httpx2.Response:
        return self.http.post(link, headers={"Sec-Fetch-Site": "same-origin"})

    def who(self) -> dict[str, object]:
        answer = self.http.get(SESSION)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    @property
    def token(self) -> str:
        return self.http.cookies[COOKIE]

    @token.setter
    def token(self, token: str) -> None:
        self.http.cookies.clear()
        self.http.cookies[COOKIE] = token


def refused(answer: httpx2.Response, status: int, part: str) -> None:
    assert (answer.status_code, part in answer.json()["message"]) == (status, True), answer.text
