#!/usr/bin/env python3
"""A client of the toy server: three operations; the kit does the rest."""
import http.client
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../../targets/clients"))
import fracas_client


class Toy:
    def __init__(self, node, hello):
        seconds = hello["timeout_ms"] / 1000
        self.http = http.client.HTTPConnection(node.ip, node.ports["http"], timeout=seconds)
        self.http.connect()

    def close(self):
        self.http.close()

    def ask(self, method, path, **body):
        self.http.request(method, path, json.dumps(body))
        answer = self.http.getresponse()
        return answer.status, json.loads(answer.read() or "{}")

    def read(self, op):
        status, body = self.ask("GET", f"/kv/{op['key']}")
        if status not in (200, 404):
            raise fracas_client.Fail(f"status {status}")
        return {"value": body["value"]}

    def write(self, op):
        status, _ = self.ask("PUT", f"/kv/{op['key']}", value=op["value"])
        assert status == 200, f"status {status}"

    def cas(self, op):
        status, body = self.ask("POST", f"/kv/{op['key']}/cas", old=op["old"], new=op["new"])
        assert status == 200, f"status {status}"
        if not body["swapped"]:
            raise fracas_client.Fail("mismatch")


fracas_client.run(Toy)
