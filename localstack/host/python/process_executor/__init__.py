"""LocalStack 4.14.0 without Docker: functions run as child processes, and two faults of that version are repaired.

Both lean on private names of LocalStack, so another version is refused.
"""
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.version import version

VERSION = "4.14.0"

if version != VERSION:
    raise ImportError(f"process_executor is made for LocalStack {VERSION} and refuses {version}")


class ProcessExecutorPlugin(RuntimeExecutorPlugin):
    name = "process"

    def load(self, *args, **kwargs):
        from .executor import ProcessRuntimeExecutor

        return ProcessRuntimeExecutor
