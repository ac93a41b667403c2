"""Fails unless what the lock file pins is installed, byte for byte as published.

    python unmodified.py <lock file>
"""

import base64
import hashlib
import sys
from importlib.metadata import distribution

with open(sys.argv[1], encoding="utf-8") as lock:
    pins = [line.split()[0].split("==") for line in lock if "==" in line and not line.startswith("#")]

for name, version in pins:
    package = distribution(name)
    if package.version != version:
        sys.exit(f"{name} {package.version} is installed, not {version}")
    for file in package.files:
        if file.hash is None:
            continue
        digest = hashlib.new(file.hash.mode, file.read_binary()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
            sys.exit(f"{name}: {file} is not as published")
