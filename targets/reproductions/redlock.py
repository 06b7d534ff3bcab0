#!/usr/bin/env python3
"""Leases by Redlock (https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/)."""
import os, socket, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../clients"))
from fracas_client import Fail, run

SECONDS = 0.05  # for each server: small beside the life of a lease
EXTEND = 'if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("PEXPIRE", KEYS[1], ARGV[2]) end return 0'
DELETE = 'if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0'


class Client:
    def __init__(self, node, hello):
        self.servers = [Server(told) for told in hello["nodes"].values()]
        self.majority = len(self.servers) // 2 + 1
        self.values = {}

    def drift(self, op):
        """What the clocks of servers may be wrong by while a lease lasts, and 2 ms for their rounding."""
        return op["ttl_ms"] // 100 + 2

    def agreed(self, words, good):
        return sum(server.ask(words) == good for server in self.servers) >= self.majority

    def acquire(self, op):
        value, begin = os.urandom(16).hex(), time.monotonic()
        words = ["SET", op["key"], value, "NX", "PX", str(op["ttl_ms"] + self.drift(op))]
        if not self.agreed(words, b"+OK") or (time.monotonic() - begin) * 1000 >= op["ttl_ms"]:
            self.forget(op["key"], value)
            raise Fail("no majority")
        self.values[op["key"], op["holder"]] = value

    def renew(self, op):
        value, begin = self.mine(op), time.monotonic()
        words = ["EVAL", EXTEND, "1", op["key"], value, str(op["ttl_ms"] + self.drift(op))]
        if not self.agreed(words, b":1") or (time.monotonic() - begin) * 1000 >= op["ttl_ms"]:
            raise Fail("no majority")

    def release(self, op):
        self.forget(op["key"], self.mine(op))
        del self.values[op["key"], op["holder"]]

    def mine(self, op):
        if (op["key"], op["holder"]) not in self.values:
            raise Fail("not held")
        return self.values[op["key"], op["holder"]]

    def forget(self, key, value):
        for server in self.servers:
            server.ask(["EVAL", DELETE, "1", key, value])


class Server:
    """One server; whatever goes wrong is no answer, and ends the connection."""

    def __init__(self, told):
        self.place, self.socket = (told["ip"], told["ports"]["client"]), None

    def ask(self, words):
        """The first line of the answer, or nothing."""
        parts = [f"*{len(words)}\r\n", *(f"${len(word)}\r\n{word}\r\n" for word in words)]
        try:
            if self.socket is None:
                self.socket = socket.create_connection(self.place, SECONDS)
            self.socket.sendall("".join(parts).encode())
            answer = b""
            while not answer.endswith(b"\r\n"):
                more = self.socket.recv(100)
                if not more:
                    raise OSError("the connection ended")
                answer += more
            return answer.strip()
        except OSError:
            if self.socket is not None:
                self.socket.close()
                self.socket = None


run(Client)
