"""Takes traces by OTLP over HTTP and prints a line of JSON for each span."""

import gzip
import http.server
import json
import sys


def fields(data):
    """Yields the number and the value of each field of a protobuf message."""
    at = 0

    def number():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = number()
        kind = key & 7
        if kind == 0:
            yield key >> 3, number()
        else:
            size = {1: 8, 5: 4}.get(kind) or number()
            yield key >> 3, data[at : at + size]
            at += size


def all_of(data, wanted):
    return [value for number, value in fields(data) if number == wanted]


def spans(request):
    """Yields each span of an ExportTraceServiceRequest (opentelemetry/proto/collector/trace/v1)."""
    for of_resource in all_of(request, 1):
        named = [dict(fields(pair)) for resource in all_of(of_resource, 1) for pair in all_of(resource, 1)]
        attributes = {pair[1]: dict(fields(pair[2])).get(1, b"") for pair in named if isinstance(pair.get(2), bytes)}
        service = attributes.get(b"service.name", b"")
        for of_scope in all_of(of_resource, 2):
            for span in all_of(of_scope, 2):
                span = dict(fields(span))
                yield {"service": service.decode(), "trace": span[1].hex(), "name": span[5].decode()}


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        for span in spans(body):
            sys.stdout.write(json.dumps(span) + "\n")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("0.0.0.0", 4318), Receiver).serve_forever()
