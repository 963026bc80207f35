"""All operations, in the order in which they are read best."""

from collections.abc import Mapping

from heliograph.api.described.account import account_operations
from heliograph.api.described.admin import admin_operations
from heliograph.api.described.apikeys import key_operations
from heliograph.api.described.batches import batch_operations
from heliograph.api.described.doors import door_operations
from heliograph.api.described.files import file_operations
from heliograph.api.described.operating import documentation_operations, operating_operations
from heliograph.api.described.operation import Operation
from heliograph.api.described.own_tasks import own_task_operations
from heliograph.api.described.schemas import schema_operations
from heliograph.api.described.sessions import session_operations
from heliograph.api.described.tasks import task_operations
from heliograph.api.described.webhooks import webhook_operations
from heliograph.catalog.model import Model


def operations(models: Mapping[str, Model]) -> list[Operation]:
    """Every operation of a service that offers `models`."""
    return [
        *task_operations(models),
        *own_task_operations(models),
        *batch_operations(models),
        *account_operations(),
        *key_operations(),
        *session_operations(),
        *file_operations(),
        *webhook_operations(),
        *schema_operations(models),
        *door_operations(models),
        *admin_operations(),
        *documentation_operations(),
        *operating_operations(),
    ]
