"""The workbench in a browser: textual-serve behind a token."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import shlex
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from graphlabel.errors import UsageError

TOKEN = "token"
COOKIE = "graphlabel_token"
_EVERYWHERE = frozenset({"0.0.0.0", "::"})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self' ws: wss:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What the page may load: nothing of other servers."""
_FONT = re.compile(r"<link\b[^>]*\bhref=\"https?://[^>]*>")
"""textual-serve's page asks Google for a font."""


@dataclass(frozen=True)
class WebPlace:
    """Where the workbench is served, and to whom."""

    listener: socket.socket
    host: str
    token: str
    """What a browser must know; empty lets everybody in."""
    public_url: str | None = None

    @property
    def url(self) -> str:
        """The address without the token."""
        if self.public_url:
            return self.public_url.rstrip("/")
        named = socket.gethostname() if self.host in _EVERYWHERE else self.host
        host = f"[{named}]" if ":" in named else named
        return f"http://{host}:{self.listener.getsockname()[1]}"

    @property
    def url_with_token(self) -> str:
        """The address to open first."""
        return f"{self.url}/?{TOKEN}={self.token}" if self.token else f"{self.url}/"


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket bound to an address; raises UsageError when it cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise UsageError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}; choose another --port"
        ) from error


def run_server(command: list[str], place: WebPlace) -> None:
    """Serve ``command`` until Ctrl-C, a process of its own for every browser window.

    Raises UsageError when textual-serve is not installed.
    """
    try:
        asyncio.run(_serve(command, place))
    finally:
        place.listener.close()


async def _serve(command: list[str], place: WebPlace) -> None:
    application = await make_application(command, place)
    from aiohttp import web

    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.set)
    try:
        await web.SockSite(runner, place.listener).start()
        await stopped.wait()
    finally:
        await runner.cleanup()


async def make_application(command: list[str], place: WebPlace) -> Any:
    """textual-serve's application, asking for the token first (aiohttp.web.Application)."""
    try:
        from textual_serve.server import Server
    except ImportError as error:
        raise UsageError(
            "serving needs textual-serve; install it with: pip install 'graphlabel[serve]'"
        ) from error
    # the library writes its command and every error to standard output otherwise
    logging.getLogger("textual-serve").setLevel(logging.ERROR)
    server = Server(shlex.join(command), title="graphlabel", public_url=place.url)
    application = await server._make_app()
    application.on_startup.clear()  # its banner
    application.middlewares.append(_guard(place))
    return application


def _guard(place: WebPlace) -> Any:
    """Lets only requests with the token pass, and websockets only from our own pages."""
    from aiohttp import web

    allowed_hosts = {place.url.partition("://")[2]}

    @web.middleware  # type: ignore[untyped-decorator]
    async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
        # a page elsewhere cannot reach us by renaming its own address, or by opening our socket
        if not place.token and place.host in LOOPBACK and request.host not in allowed_hosts:
            raise web.HTTPForbidden(text="wrong host\n")
        origin = request.headers.get("Origin")
        if origin is not None and origin != place.url:
            raise web.HTTPForbidden(text="wrong origin\n")
        given = request.query.get(TOKEN)
        if place.token and not _same(given or request.cookies.get(COOKIE, ""), place.token):
            raise web.HTTPForbidden(text="the address with the token is the one to open\n")
        if given is not None and request.path == "/" and place.token:
            # the token leaves the address bar, the history and what other sites are told
            moved = web.HTTPFound("/")
            moved.set_cookie(COOKIE, place.token, httponly=True, samesite="Strict", path="/")
            raise moved
        response: web.StreamResponse = await handler(request)
        if isinstance(response, web.Response) and response.content_type == "text/html":
            response.text = _FONT.sub("", response.text or "")
        if not response.prepared:
            response.headers["Content-Security-Policy"] = POLICY
            response.headers["Referrer-Policy"] = "no-referrer"
            response.headers["X-Frame-Options"] = "DENY"
            response.headers["Cache-Control"] = "no-store"
        return response

    return guard


def _same(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode(), token.encode())
