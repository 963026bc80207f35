"""What operators see, as an example."""

from collections.abc import Mapping
from typing import Any

from heliograph.api.described.operation import TASK_ID

ACCOUNT_ID = "acc_4x7k2m9q1z8p"
ACCOUNT: Mapping[str, Any] = {
    "accountId": ACCOUNT_ID,
    "name": "shop",
    "createTime": 1767225600000,
    "balance": 74.87,
    "held": 0.24,
    "charged": 24.89,
    "liveTasks": 2,
    "maxLiveTasks": 1000,
    "keys": 1,
}
KEY: Mapping[str, Any] = {
    "keyId": "4fQ9xZ1b",
    "name": "shop",
    "test": False,
    "routing": "auto",
    "rateLimitPerMinute": 10000,
    "createTime": 1767225600000,
    "lastUsedTime": 1767965600104,
    "usable": True,
    "monthlyCap": 50,
}
DETAIL = {"account": ACCOUNT, "keys": [KEY]}
WORK: Mapping[str, Any] = {
    "queues": [{"name": "run", "waiting": 3, "oldestSeconds": 1.5, "later": 0, "taken": 12}],
    "tasks": [{"state": "pending", "tasks": 3, "oldestTime": 1767965600104}],
    "workers": [
        {
            "workerId": "4b8f0c9e5d1a4f7d8e2b6a1c3d5e7f90",
            "host": "worker-1",
            "processId": 4711,
            "queues": ["run", "check", "deliver", "render"],
            "startTime": 1767225600000,
            "silentSeconds": 4.2,
            "alive": True,
        }
    ],
}
PROVIDER: Mapping[str, Any] = {
    "name": "dashscope",
    "asked": True,
    "failures": 4,
    "circuit": "open",
    "openUntil": 1767965630104,
    "error": "Answered 500.",
    "failedTime": 1767965610104,
    "workedTime": 1767965600104,
    "calls": {"started": 812, "refused": 3},
    "costPerImage": 0.02,
    "cost": 32.1,
    "charged": 48.15,
    "margin": 16.05,
    "alarms": [
        {
            "code": "Arrearage",
            "remedy": "Settle the bill of the DashScope account.",
            "number": 2,
            "firstTime": 1767965600104,
            "lastTime": 1767965610104,
        }
    ],
}
DELIVERY: Mapping[str, Any] = {
    "accountId": ACCOUNT_ID,
    "delivery": {
        "id": "5f0c5a2e9b7d41e3a8c6d2f1b0e9a7c4",
        "taskId": TASK_ID,
        "url": "https://shop.example/hook",
        "state": "dead",
        "createTime": 1767965600104,
        "endTime": 1767966400104,
        "attempts": [
            {
                "number": 1,
                "time": 1767965600104,
                "status": 500,
                "latencyMs": 83,
                "error": "Answered 500.",
            }
        ],
    },
}
PENDING: Mapping[str, Any] = {
    "accountId": ACCOUNT_ID,
    "delivery": {
        "id": "5f0c5a2e9b7d41e3a8c6d2f1b0e9a7c4",
        "taskId": TASK_ID,
        "url": "https://shop.example/hook",
        "state": "pending",
        "createTime": 1767965600104,
        "nextAttemptTime": 1767967000104,
        "attempts": [],
    },
}
SWITCHES: Mapping[str, Any] = {
    "items": [
        {
            "modelId": "wan-2-5-image",
            "title": "Wan 2.5 Image",
            "on": False,
            "reason": "Back at 14:00 UTC.",
            "operator": "Ada",
            "switchedTime": 1767965600104,
        }
    ]
}
AUDIT: Mapping[str, Any] = {
    "running": False,
    "last": {
        "operator": "Ada",
        "startTime": 1767965600104,
        "endTime": 1767965602317,
        "found": 0,
        "findings": [],
    },
}
ACTION: Mapping[str, Any] = {
    "id": 7,
    "time": 1767965600104,
    "operator": "Ada",
    "action": "topup",
    "subject": ACCOUNT_ID,
    "accountId": ACCOUNT_ID,
    "before": {"balance": 24.87},
    "after": {"balance": 74.87, "amount": 50},
    "note": "invoice 7",
}
