"""The address of a running Weir and the key for it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Optional
from urllib.parse import urlsplit

_DEFAULT_BIND = "127.0.0.1:8001"
_DEFAULT_DATA_DIR = "data"


@dataclass(frozen=True)
class Endpoint:
    """Address of a server and the key for it, or the reason why there is none."""

    url: str
    key: Optional[str]
    why_no_key: str = ""

    @property
    def is_local(self) -> bool:
        """Whether the address is of this machine."""
        return urlsplit(self.url).hostname in ("localhost", "127.0.0.1", "::1")

    def __repr__(self) -> str:
        return f"Endpoint({self.url!r}, key={'given' if self.key else 'none'})"

    @classmethod
    def locate(cls, url: Optional[str] = None, key: Optional[str] = None, config: Optional[str] = None) -> Endpoint:
        """Takes what is given, then `WEIR_URL` and `WEIR_KEY`, then the configuration.

        A configured key is for the configured address alone: no other server gets it.
        """
        url = url or os.environ.get("WEIR_URL") or None
        key = key or os.environ.get("WEIR_KEY") or None
        if url and not urlsplit(url).scheme.startswith("http"):
            raise ValueError("the address of Weir is not an http:// or https:// URL")
        if url and key:
            return cls(url.rstrip("/"), key)
        try:
            settings = _Settings.read(config or os.environ.get("WEIR_CONFIG") or None)
        except OSError as error:
            if not url:
                raise
            return cls(url.rstrip("/"), key, f"{error.filename}: {error.strerror}")
        configured = settings.url()
        if url and not _is_same(url, configured):
            return cls(url.rstrip("/"), key, f"the configured key is only for {configured}")
        found, why = (key, "") if key else settings.admin_key()
        return cls(configured if not url else url.rstrip("/"), found, why)


class _Settings:
    """Settings that say where the server listens and where its key is."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    @classmethod
    def read(cls, path: Optional[str]) -> _Settings:
        values: dict[str, Any] = {}
        if path:
            with open(path, encoding="utf-8") as file:
                values = _read_toml(file.read())
        for key, variable in (
            ("server.bind", "WEIR__SERVER__BIND"),
            ("data_dir", "WEIR__DATA_DIR"),
            ("auth.admin", "WEIR__AUTH__ADMIN"),
        ):
            if os.environ.get(variable):
                values[key] = os.environ[variable]
        return cls(values)

    def url(self) -> str:
        host, _, port = str(self.values.get("server.bind", _DEFAULT_BIND)).rpartition(":")
        if port == "0":
            raise ValueError("server.bind takes any free port: give the address with WEIR_URL")
        host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)
        return f"http://{host}:{port}"

    def admin_key(self) -> tuple[Optional[str], str]:
        configured = self.values.get("auth.admin")
        if isinstance(configured, str):
            configured = configured.split(",")
        if configured and configured[0].strip():
            return configured[0].strip(), ""
        path = os.path.abspath(os.path.join(str(self.values.get("data_dir", _DEFAULT_DATA_DIR)), "admin.key"))
        try:
            with open(path, encoding="utf-8") as file:
                return file.read().strip(), ""
        except OSError as error:
            return None, f"{path}: {error.strerror}; set WEIR_KEY, or WEIR_CONFIG to the server's configuration"


def _is_same(url: str, configured: str) -> bool:
    given, known = urlsplit(url), urlsplit(configured)
    hosts = {given.hostname, known.hostname}
    is_same_host = len(hosts) == 1 or hosts <= {"localhost", "127.0.0.1", "::1"}
    return is_same_host and (given.scheme, given.port) == (known.scheme, known.port)


_WANTED = ("server.bind", "data_dir", "auth.admin")


def _read_toml(text: str) -> dict[str, Any]:
    """Reads the wanted keys: Python before 3.11 has no TOML reader, and these are strings or a list of strings."""
    values: dict[str, Any] = {}
    table = ""
    for line in text.splitlines():
        header = re.match(r"\s*\[\s*([\w.]+)\s*\]", line)
        if header:
            table = header.group(1) + "."
            continue
        pair = re.match(r"\s*([\w.]+)\s*=\s*(.*)", line)
        if not pair or table + pair.group(1) not in _WANTED:
            continue
        strings = re.findall(r'"((?:[^"\\]|\\.)*)"|\'([^\']*)\'', pair.group(2).split("#")[0])
        found = [re.sub(r"\\(.)", r"\1", basic) or literal for basic, literal in strings]
        values[table + pair.group(1)] = found if pair.group(2).startswith("[") else "".join(found[:1])
    return values
