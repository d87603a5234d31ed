"""Is a server there? Asked in its own protocol, because a pid proves nothing."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Final

from kotally.db.embedded.layout import DATABASE, SOCKET_NAME, USER

TIMEOUT_S: Final = 2
PROTOCOL_3_0: Final = 196_608
STARTING_UP: Final = b"C57P03"


def accepts_logins(sockets: Path) -> bool:
    """Return whether a server answers on the socket and would let somebody sign in."""
    body = struct.pack("!i", PROTOCOL_3_0)
    body += f"user\0{USER}\0database\0{DATABASE}\0\0".encode()
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(TIMEOUT_S)
            line.connect(str(sockets / SOCKET_NAME))
            line.sendall(struct.pack("!i", len(body) + 4) + body)
            answer = line.recv(1_024)
    except OSError:
        return False
    # 'R' asks for the password. An error other than "starting up" also comes from a running server.
    return answer[:1] == b"R" or (answer[:1] == b"E" and STARTING_UP not in answer)
