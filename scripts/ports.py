"""Free ports for the servers that the scripts in Python start."""

import random
import socket


def free_port():
    """Returns a free TCP port of loopback.

    It is below the range of ports for outgoing connections, so that a restarted server finds its port free;
    `free_port` of scripts/processes.sh has the same bounds.
    """
    while True:
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", random.randrange(20_000, 32_000)))
            except OSError:
                continue
            return one.getsockname()[1]
