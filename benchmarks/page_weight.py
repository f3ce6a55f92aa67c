"""What a debtor's first page weighs on the way: all its files as they travel, beside them unpacked.

The issue's limit is 60 kB. Both figures come from the same answers of the same running server.
"""

import re
import sys
import threading
import urllib.request

from werkzeug.serving import WSGIRequestHandler, make_server

from portal import create_app

LIMIT = 60_000


class Quiet(WSGIRequestHandler):
    """Answers without a line of log."""

    def log(self, *args: object) -> None:  # type: ignore[override]
        """Write nothing."""


def fetch(address: str, *, packed: bool) -> bytes:
    """An answer's body as it travels; packed: whether the client takes compressed answers."""
    headers = {"Accept-Encoding": "br, gzip"} if packed else {}
    request = urllib.request.Request(address, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        body: bytes = answer.read()
    return body


def main() -> int:
    """Print the figures; answers 1 when the page is over its limit."""
    server = make_server("127.0.0.1", 0, create_app(), threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.port}"
    page = fetch(f"{base}/", packed=False).decode()
    paths = ["/", *re.findall(r'(?:src|href)="(/static/[^"]+)"', page)]
    packed = {path: len(fetch(base + path, packed=True)) for path in paths}
    plain = {path: len(fetch(base + path, packed=False)) for path in paths}
    server.shutdown()
    print(f"{'file':<28}{'travels':>10}{'unpacked':>10}")
    for path in paths:
        print(f"{path.partition('?')[0]:<28}{packed[path]:>10}{plain[path]:>10}")
    total = sum(packed.values())
    print(f"{'in all, bytes':<28}{total:>10}{sum(plain.values()):>10}   limit {LIMIT}")
    return 1 if total > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
