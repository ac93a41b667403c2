"""What a user of the published client ascend-ai-sdk 2.x does.

    python sdk2.py <scenario>

The test names the server and the key in ASCEND_API_URL and ASCEND_API_KEY, and
an agent in ASCEND_AGENT_ID. A scenario fails by an exception; what it returns
is printed as one line of JSON, for the test to hold against the server.

Kill-switch polling is off, as it is until a user starts it.
"""

import json
import sys
from importlib.metadata import version

import requests

from ascend import (
    AscendClient,
    AuthenticationError,
    AuthorizationError,
    Decision,
    MCPGovernanceConfig,
    TimeoutError,
    ValidationError,
    high_risk_action,
    mcp_governance,
)

VERSION = tuple(int(n) for n in version("ascend-ai-sdk").split("."))
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


def mail(client, **more):
    return client.evaluate_action(action_type="email_send", resource="newsletter", **more)


def risky(client, **more):
    return client.evaluate_action(
        action_type="privilege_escalation",
        resource="production customer database",
        parameters={"role": "root"},
        context={"environment": "production", "contains_pii": True, "ticket": None},
        risk_indicators={"data_sensitivity": "high", "pii_involved": None},
        **more,
    )


def seen(decision):
    return {
        "action_id": str(decision.action_id),  # a number up to 2.4.3
        "reason": decision.reason,
        "status": decision.decision.value,
        "approved_by": decision.approved_by,
    }


def connects():
    status = AscendClient().test_connection()
    status = status if isinstance(status, dict) else vars(status)
    equal(status["status"], "connected")
    if {status["api_version"], status["environment"]} & {"", None, "unknown"}:
        raise AssertionError("no version or environment")
    wrong = AscendClient(api_key=WRONG_KEY).test_connection()
    wrong = wrong if isinstance(wrong, dict) else vars(wrong)
    equal(wrong["status"], "error")
    equal("Invalid or expired API key" in wrong["error"], True)


def registers():
    client = AscendClient()
    first = client.register(agent_type="autonomous", metadata={"team": "test"})
    again = client.register(agent_type="supervised")
    equal((first["created"], again["created"]), (True, False))
    equal(again["agent"]["agent_type"], "autonomous")


def approved():
    client = AscendClient()
    decision = mail(client, parameters={"to": "a@example.com", "password": "hunter2"}, context={"environment": "development", "note": None})
    equal((decision.decision, decision.execution_allowed), (Decision.ALLOWED, True))
    equal(decision.risk_level.value, "low")
    equal(0 < decision.risk_score < 40, True)
    if VERSION >= (2, 5):
        equal((decision.cvss_score, decision.cvss_severity), (3.5, "low"))
        equal((decision.nist_control, decision.mitre_tactic, decision.mitre_technique), ("AC-3", "TA0002", "T1566"))
        equal(decision.thresholds["is_registered"], True)
    if VERSION >= (2, 7):
        equal(decision.enforcement_decision, "auto_approved")
        equal(bool(decision.enforcement_decision_source and decision.risk_score_source), True)
    again = client.get_action_status(decision.action_id)
    equal((again.action_id, again.decision, again.execution_allowed), (decision.action_id, Decision.ALLOWED, True))
    equal((again.risk_score, again.reason), (decision.risk_score, decision.reason))
    details = client.get_action_details(decision.action_id)
    equal((details.action_id, details.status.value), (str(decision.action_id), "approved"))
    equal((details.agent_id, details.action_type, details.resource), (client.agent_id, "email_send", "newsletter"))
    equal(len(details.audit_trail), 1)
    client.log_action_completed(decision.action_id, result={"sent": 1}, duration_ms=5)  # swallows every failure
    return seen(decision)


def denied():
    client = AscendClient()
    decision = mail(client)
    equal((decision.decision, decision.execution_allowed), (Decision.DENIED, False))
    equal(bool(decision.reason), True)
    equal(decision.policy_violations[0], decision.reason)
    again = client.wait_for_decision(decision.action_id)
    equal((again.decision, again.reason), (Decision.DENIED, decision.reason))
    equal(client.get_action_details(decision.action_id).status.value, "denied")
    return seen(decision)


def waits():
    client = AscendClient()
    decision = risky(client, wait_for_decision=True, timeout=50)
    equal(decision.decision in (Decision.ALLOWED, Decision.DENIED), True)
    equal(decision.execution_allowed, decision.decision == Decision.ALLOWED)
    return seen(decision)


def gives_up_waiting():
    client = AscendClient()
    decision = risky(client, wait_for_decision=False)
    equal((decision.decision, decision.execution_allowed), (Decision.PENDING, False))
    equal(bool(decision.approval_request_id and decision.expires_at and decision.required_approvers), True)
    equal(decision.risk_level.value in ("high", "critical"), True)
    raises(TimeoutError, lambda: client.wait_for_decision(decision.action_id, timeout=0.3, poll_interval=0.1))
    details = client.get_action_details(decision.action_id)
    equal((details.status.value, details.action_id), ("pending", str(decision.action_id)))
    return seen(decision)


def tool_runs_when_allowed():
    ran = []

    @mcp_governance(AscendClient(), "email_send", "newsletter")
    def send(to):
        ran.append(to)
        return "sent"

    equal((send("a@example.com"), ran), ("sent", ["a@example.com"]))


def tool_waits_for_a_person():
    """The decorator waits on an endpoint that is still to come, so this user
    lets it not wait, and waits for the decision by its action."""
    client, ran, asked = AscendClient(), [], []
    config = MCPGovernanceConfig(wait_for_approval=False, on_approval_required=lambda decision, tool: asked.append(decision))

    @high_risk_action(client, "email_send", "newsletter", config=config)
    def send(to):
        ran.append(to)

    raises(AuthorizationError, lambda: send("a@example.com"), "Approval timeout")
    equal((len(asked), ran), (1, []))
    equal((asked[0].decision, bool(asked[0].approval_request_id)), (Decision.PENDING, True))
    return seen(client.wait_for_decision(asked[0].action_id, timeout=50))


def tool_does_not_run_when_denied():
    ran = []

    @mcp_governance(AscendClient(), "email_send", "newsletter")
    def send(to):
        ran.append(to)

    error = raises(AuthorizationError, lambda: send("a@example.com"), "Action denied")
    equal((error.error_code, ran), ("MCP_ACTION_DENIED", []))
    return {"action_id": error.details["action_id"]}


def repeats():
    """The first answer is lost on the way or comes too late: the client sends
    the same request again by itself."""
    decision = mail(AscendClient(timeout=1))
    equal(decision.decision, Decision.ALLOWED)
    return seen(decision)


def bulk():
    client = AscendClient()
    actions = [{"action_type": "email_send", "resource": f"newsletter {n}"} for n in range(12)]
    result = client.evaluate_actions(actions)
    equal((result.total, result.succeeded, result.failed), (12, 12, 0))
    equal({r.decision.decision for r in result.results}, {Decision.ALLOWED})
    equal(len({r.decision.action_id for r in result.results}), 12)
    return seen(result.results[0].decision)


def errors():
    client = AscendClient()
    wrong = AscendClient(api_key=WRONG_KEY)
    raises(AuthenticationError, lambda: mail(wrong), "Invalid or expired API key")
    error = raises(AuthorizationError, client.deregister, "API key cannot", "person")
    equal(isinstance(error.details["detail"], str), True)
    nameless = AscendClient(agent_id="x")
    error = raises(ValidationError, lambda: mail(nameless), "agent_id")
    equal([e["pointer"] for e in error.field_errors], ["/agent_id"])
    error = raises(requests.HTTPError, lambda: client.get_action_status("1"))
    equal(error.response.status_code, 404)


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]]()))
