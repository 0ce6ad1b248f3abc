"""Runs the service: opens the port when the model is loaded, and finishes what it has begun."""

import asyncio
import ctypes
import gc
import logging
import signal
import socket
from typing import Any

import uvicorn
from fastapi import FastAPI

from creditrisk.core.errors import InputError
from creditrisk.serve.app import Service

BACKLOG = 2048  # connections that wait until the service takes them
GRACE = 5  # seconds for requests that are being answered when the service is told to stop
DRAIN = 0.5  # seconds in which clients with an open connection learn that it will be closed


def open_port(host: str, port: int) -> socket.socket:
    """Open a port: from now on the system accepts connections for us.

    Raises:
        InputError: the address is in use, or is none of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )[0]
        # With its protocol: asyncio then sends each part of an answer at once (TCP_NODELAY).
        found = socket.socket(family, kind, protocol)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(BACKLOG)
    except OSError as error:
        problem = f"can't be opened: {error.strerror or error}"
        hint = "Give another HOST or PORT."
        raise InputError(f"{host}:{port}", "address", problem, hint) from None
    return found


class _Server(uvicorn.Server):
    """A server that lets its clients go before it closes their connections."""

    def __init__(self, config: uvicorn.Config, service: Service):
        super().__init__(config)
        self.service = service

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, answer what comes in over open connections, then close these."""
        self.service.state.draining = True
        for server in self.servers:
            server.close()
        for one in sockets or []:
            one.close()
        # Each answer now says that the connection closes, so a busy client leaves by itself.
        end = asyncio.get_running_loop().time() + DRAIN
        while self.server_state.connections and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)


def give_back() -> None:
    """Give memory that loading the model has left free back to the system (with glibc)."""
    gc.collect()
    gc.freeze()  # what is here now stays: it need not be looked at again
    gc.enable()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def serve(app: FastAPI, service: Service, port: socket.socket) -> None:
    """Answer requests until SIGTERM or Ctrl-C.

    Args:
        app: from `build_app`.
        service: what it was built from.
        port: from `open_port`.
    """
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, lifespan="on",
        timeout_graceful_shutdown=GRACE, timeout_keep_alive=30, backlog=BACKLOG,
        h11_max_incomplete_event_size=65_536, proxy_headers=False, ws="none",
    )  # fmt: skip
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    # uvicorn raises the signal again when it has finished: then there is nothing left to do.
    before: dict[Any, Any] = {
        number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        _Server(config, service).run(sockets=[port])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
