"""An execution environment of Lambda as a child process."""
import json
import os
import queue
import select
import shutil
import subprocess
import tempfile
import threading
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from localstack import config
from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

PASS = ("SSL_CERT_FILE",)  # the server's environment stays out, HOME included: no ~/.aws in a function
INIT_SECONDS = 10
MAX_LOG = 256 * 1024  # bytes of one invocation


class Exited(Exception):
    pass


class ProcessRuntimeExecutor(RuntimeExecutor):
    """One execution environment: a Runtime API on a loopback port and one `bootstrap` process at a time."""

    def __init__(self, id, function_version):
        super().__init__(id, function_version)
        self.proc = self.httpd = self.current = self.inbox = None
        self.ready = threading.Event()
        self.lock = threading.Lock()  # current
        self.log_lock = threading.Lock()  # log, reads of the pipe
        self.log = bytearray()
        self.tmp = None

    # -- runtime API -------------------------------------------------------------------------
    def _serve(self):
        ex = self

        class H(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def log_message(self, *a):
                pass

            def _send(self, code, body=b"", headers=()):
                self.send_response(code)
                for k, v in headers:
                    self.send_header(k, v)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                if not self.path.endswith("/invocation/next"):
                    return self._send(404)
                inbox = ex.inbox  # of this process: a request left behind by a dead one must not take a new one's work
                ex.ready.set()
                inv = inbox.get()
                if inv is None:
                    self.close_connection = True
                    return self._send(410)
                self._send(200, inv["payload"].encode(), [
                    ("Content-Type", "application/json"),
                    ("Lambda-Runtime-Aws-Request-Id", inv["invoke-id"]),
                    ("Lambda-Runtime-Invoked-Function-Arn", inv["invoked-function-arn"]),
                    ("Lambda-Runtime-Trace-Id", inv["trace-id"]),
                    ("Lambda-Runtime-Deadline-Ms", str(inv["deadline"])),
                ])

            def do_POST(self):
                if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                    parts = []
                    while n := int(self.rfile.readline().split(b";")[0], 16):
                        parts.append(self.rfile.read(n))
                        self.rfile.readline()
                    self.rfile.readline()
                    data = b"".join(parts)
                else:
                    data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                what = self.path.split("/")
                if self.path.endswith("/init/error"):
                    ex.init_error = data
                elif what[-1] in ("response", "error"):
                    limit = config.LAMBDA_LIMITS_MAX_FUNCTION_PAYLOAD_SIZE_BYTES
                    if len(data) > limit:
                        ex._finish(what[-2], _error("Function.ResponseSizeTooLarge", f"Response payload size exceeded maximum allowed payload size ({limit} bytes)."), True)
                        return self._send(413)
                    ex._finish(what[-2], data, what[-1] == "error")
                self._send(202)

        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), H)
        self.httpd.daemon_threads = True
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()

    def _finish(self, rid, data, is_error):
        with self.lock:
            if self.current and self.current[0] == rid and not self.current[1].done():
                self.current[1].set_result((data, is_error))

    # -- process -----------------------------------------------------------------------------
    def _spawn(self, limit):
        self.ready.clear()
        self.init_error = None
        if self.inbox:
            self.inbox.put(None)
        self.inbox = queue.Queue()
        code = str(self.function_version.config.code.get_unzipped_code_location())
        exe = os.path.join(code, "bootstrap")
        os.chmod(exe, 0o755)
        self.tmp = self.tmp or tempfile.mkdtemp(prefix="lambda-tmp-")
        env = {k: os.environ[k] for k in PASS if k in os.environ}
        env["PATH"] = "/usr/local/bin:/usr/bin:/bin:/opt/bin"
        env["TMPDIR"] = self.tmp
        env.update({k: str(v) for k, v in self.env_vars.items() if v is not None})
        env["AWS_LAMBDA_RUNTIME_API"] = "127.0.0.1:%d" % self.httpd.server_address[1]
        env["LAMBDA_TASK_ROOT"] = code
        try:
            self.proc = subprocess.Popen([exe], cwd=code, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except OSError as e:  # not executable, wrong architecture
            raise StatusErrorException(str(e), _error("Runtime.InvalidEntrypoint", f"Error: {e}")) from e
        os.set_blocking(self.proc.stdout.fileno(), False)
        threading.Thread(target=self._pump, args=(self.proc,), daemon=True).start()
        try:
            if not self._await_ready(limit):
                self._kill()
                raise StatusErrorException("init timed out", _error("Sandbox.Timedout", f"Error: Task timed out after {limit}.00 seconds"))
        except Exited as e:
            raise StatusErrorException("init failed", self.init_error or _error("Runtime.ExitError", f"Error: {e}")) from e

    def _await_ready(self, limit):
        """True when the process waits for work, False after limit seconds; raises Exited."""
        end = time.monotonic() + limit
        while not self.ready.wait(0.005):
            if self.proc.poll() is not None:
                raise Exited(_status(self.proc))
            if time.monotonic() > end:
                return False
        if self.proc.poll() is not None:
            raise Exited(_status(self.proc))
        return True

    def _read(self, proc):
        """Takes what is in the pipe now. False at its end."""
        with self.log_lock:
            while True:
                try:
                    b = os.read(proc.stdout.fileno(), 65536)
                except BlockingIOError:
                    return True
                except (OSError, ValueError):
                    return False
                if not b:
                    return False
                self.log += b
                if len(self.log) > MAX_LOG:
                    del self.log[: len(self.log) - MAX_LOG]

    def _pump(self, proc):
        p = select.poll()
        p.register(proc.stdout.fileno(), select.POLLIN | select.POLLHUP)
        while self._read(proc):
            p.poll(1000)
            if proc.poll() is not None:  # a grandchild may hold the pipe open
                self._read(proc)
                break
        proc.wait()
        if proc is self.proc and not self.ready.is_set():
            with self.lock:
                cur = self.current
            if cur:
                self._finish(cur[0], _error("Runtime.ExitError", f"RequestId: {cur[0]} Error: {_status(proc)}"), True)

    def _kill(self):
        if self.proc and self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()

    # -- RuntimeExecutor ---------------------------------------------------------------------
    def start(self, env_vars):
        self.env_vars = env_vars
        self._serve()
        self._spawn(INIT_SECONDS)

    def stop(self):
        if self.inbox:
            self.inbox.put(None)
        self._kill()
        if self.httpd:
            threading.Thread(target=self.httpd.shutdown, daemon=True).start()
            self.httpd.server_close()
        if self.tmp:
            shutil.rmtree(self.tmp, ignore_errors=True)

    def invoke(self, payload):
        cfg = self.function_version.config
        limit, rid = int(cfg.timeout or 3), payload["invoke-id"]
        try:  # the process may still be on its way out after its last answer
            self._await_ready(limit)
        except Exited:
            self._spawn(limit)
        fut = Future()
        with self.lock:
            self.current = (rid, fut)
        self.ready.clear()
        t0 = time.monotonic()
        self.inbox.put({**payload, "deadline": int((time.time() + limit) * 1000)})
        if self.proc.poll() is not None:  # died in between
            self._finish(rid, _error("Runtime.ExitError", f"RequestId: {rid} Error: {_status(self.proc)}"), True)
        note = ""
        try:
            data, is_error = fut.result(timeout=limit)
        except (FutureTimeout, TimeoutError):
            data, is_error = _error("Sandbox.Timedout", f"RequestId: {rid} Error: Task timed out after {limit}.00 seconds"), True
            note = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())}Z {rid} Task timed out after {limit}.00 seconds\n"
        ms = (time.monotonic() - t0) * 1000
        with self.lock:
            self.current = None
        if note:
            self._kill()
        self._read(self.proc)  # what was written before the answer is in the pipe by now
        with self.log_lock:
            text, self.log = self.log.decode("utf-8", "replace"), bytearray()
        if text and not text.endswith("\n"):
            text += "\n"
        text = (f"START RequestId: {rid} Version: {self.function_version.id.qualifier}\n{text}{note}END RequestId: {rid}\n"
                f"REPORT RequestId: {rid}\tDuration: {ms:.2f} ms\tBilled Duration: {int(ms) + 1} ms\tMemory Size: {cfg.memory_size} MB\n")
        return InvocationResult(rid, data, is_error, text)

    def get_address(self):
        return "127.0.0.1"

    def get_endpoint_from_executor(self):
        return "127.0.0.1"

    def get_runtime_endpoint(self):
        return f"http://127.0.0.1:{config.GATEWAY_LISTEN[0].port}/_localstack_lambda/{self.id}"

    def get_logs(self):
        with self.log_lock:
            return self.log.decode("utf-8", "replace")

    @classmethod
    def prepare_version(cls, function_version):
        if function_version.config.code:
            function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version):
        pass


def _error(kind, message):
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


def _status(proc):
    code = proc.returncode
    return "Runtime exited with error: " + (f"exit status {code}" if code >= 0 else f"signal: {-code}")
