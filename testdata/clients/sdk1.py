"""What a user of the published client ascend-ai-sdk 1.x does.

    python sdk1.py <scenario>

The test names the server and the key in ASCEND_API_URL and ASCEND_API_KEY, and
an agent in ASCEND_AGENT_ID. A scenario fails by an exception; what it returns
is printed as one line of JSON, for the test to hold against the server.
"""

import json
import os
import sys

from ascend import (
    AgentAction,
    AscendClient,
    AuthenticationError,
    NotFoundError,
    TimeoutError,
    ValidationError,
)

AGENT = os.environ["ASCEND_AGENT_ID"]
WRONG_KEY = "owkai_admin_" + "0" * 43


def equal(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, want {want!r}")


def raises(error, call, *words):
    """Calls, expects the error, and returns it when it says all the words."""
    try:
        got = call()
    except error as e:
        for word in words:
            if word not in str(e):
                raise AssertionError(f"{str(e)!r} does not say {word!r}") from e
        return e
    raise AssertionError(f"no {error.__name__} but {got!r}")


def mail(**more):
    return AgentAction(AGENT, "Test agent", "email_send", "newsletter", "mailer", **more)


def risky():
    return AgentAction(
        AGENT, "Test agent", "privilege_escalation", "production customer database", "sudo",
        context={"environment": "production", "contains_pii": True, "ticket": None},
        risk_indicators={"data_sensitivity": "high", "pii_involved": None},
    )


def seen(result):
    return {
        "action_id": result.action_id,
        "reason": result.reason,
        "status": result.status,
        "approved_by": result.metadata.get("approved_by"),
    }


def connects():
    status = AscendClient().test_connection()
    equal((status.is_connected(), status.error), (True, None))
    if not status.api_version or status.api_version == "unknown":
        raise AssertionError("no version")
    wrong = AscendClient(api_key=WRONG_KEY).test_connection()
    equal((wrong.is_connected(), wrong.status), (False, "error"))
    equal("Authentication failed" in wrong.error, True)


def approved():
    client = AscendClient()
    result = client.submit_action(mail(action_details={"to": "a@example.com", "password": "hunter2"}))
    equal((result.is_approved(), result.is_denied(), result.is_pending()), (True, False, False))
    equal((result.status, result.decision, result.risk_level), ("approved", "allowed", "low"))
    equal(0 < result.risk_score < 40, True)
    for again in (client.get_action_status(result.action_id), client.get_action(result.action_id)):
        equal(again.is_approved(), True)
        equal((again.action_id, again.risk_score, again.reason), (result.action_id, result.risk_score, result.reason))
    return seen(result)


def denied():
    client = AscendClient()
    result = client.submit_action(mail())
    equal((result.is_approved(), result.is_denied(), result.is_pending()), (False, True, False))
    equal(bool(result.reason), True)
    again = client.wait_for_decision(result.action_id)
    equal((again.is_denied(), again.reason), (True, result.reason))
    return seen(result)


def waits():
    client = AscendClient()
    result = client.submit_action(risky())
    equal((result.is_approved(), result.is_denied(), result.is_pending()), (False, False, True))
    equal(result.status, "pending_approval")
    decided = client.wait_for_decision(result.action_id, timeout_ms=50_000)
    equal((decided.action_id, decided.is_pending()), (result.action_id, False))
    equal(client.get_action(result.action_id).status, decided.status)
    return seen(decided)


def gives_up_waiting():
    client = AscendClient()
    result = client.submit_action(risky())
    raises(TimeoutError, lambda: client.wait_for_decision(result.action_id, timeout_ms=300, poll_interval=0.1))
    equal(client.get_action_status(result.action_id).is_pending(), True)
    equal(client.get_action(result.action_id).is_pending(), True)
    return seen(result)


def lists():
    client = AscendClient()
    pending, sent = client.submit_action(risky()), client.submit_action(mail())
    page = client.list_actions(limit=1)
    equal((len(page.actions), page.limit, page.offset, page.has_more), (1, 1, 0, True))
    equal(page.total >= 2, True)
    everything = {a.action_id: a for a in client.list_actions(limit=1000).actions}
    equal((everything[pending.action_id].is_pending(), everything[sent.action_id].is_approved()), (True, True))
    equal(everything[sent.action_id].metadata["agent_id"], AGENT)
    waiting = client.list_actions(limit=1000, status="pending").actions
    equal({a.is_pending() for a in waiting}, {True})
    equal(pending.action_id in [a.action_id for a in waiting], True)
    return seen(sent)


def errors():
    client = AscendClient()
    wrong = AscendClient(api_key=WRONG_KEY)
    equal(raises(AuthenticationError, lambda: wrong.submit_action(mail())).status_code, 401)
    raises(ValidationError, lambda: AscendClient(api_key="sk_" + "0" * 43))
    refused = AgentAction("x", "Test agent", "email_send", "newsletter", "mailer")
    equal(raises(ValidationError, lambda: client.submit_action(refused), "agent_id").status_code, 422)
    equal(raises(NotFoundError, lambda: client.get_action_status("1")).status_code, 404)


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]]()))
