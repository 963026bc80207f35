"""Which path of an operator is answered by what."""

from collections.abc import Iterator

from heliograph.api.admin.accounts import AdminAccountRoutes
from heliograph.api.admin.operating import AdminOperatingRoutes
from heliograph.api.admin.page import AdminPageRoutes
from heliograph.api.auth import Gate
from heliograph.api.edge import Answer
from heliograph.runtime import Runtime

#: A method, a path, and what answers it.
Entry = tuple[str, str, Answer]


def admin_routes(runtime: Runtime, gate: Gate) -> Iterator[Entry]:
    """The pages and their calls."""
    page = AdminPageRoutes()
    accounts = AdminAccountRoutes(runtime, gate)
    operating = AdminOperatingRoutes(runtime, gate)
    yield "GET", "/admin", page.page
    yield "GET", "/admin/{version}/{name:path}", page.asset
    for method, path, answer in (
        ("GET", "accounts", accounts.accounts),
        ("GET", "accounts/{accountId}", accounts.account),
        ("POST", "accounts/{accountId}/credit", accounts.credit),
        ("POST", "accounts/{accountId}/limits", accounts.limits),
        ("POST", "keys/{keyId}/revoke", accounts.revoke),
        ("GET", "log", accounts.log),
        ("GET", "work", operating.work),
        ("GET", "providers", operating.providers),
        ("GET", "webhooks", operating.webhooks),
        ("POST", "webhooks/resend", operating.resend_all),
        ("POST", "webhooks/{id:uuid}/resend", operating.resend),
        ("GET", "models", operating.models),
        ("POST", "models/{model}/switch", operating.switch),
        ("GET", "audit", operating.audit),
        ("POST", "audit", operating.run_audit),
    ):
        yield method, f"/api/v1/admin/{path}", answer
