#!/usr/bin/env python3
"""Performs operations on NAME: put your protocol in the place of these lines of text over TCP."""
import socket

import fracas_client


class Client:
    def __init__(self, node, hello):  # a session of one process; an exception refuses it
        seconds = hello["timeout_ms"] / 1000
        self.socket = socket.create_connection((node.ip, node.ports["client"]), seconds)
        self.answers = self.socket.makefile("r")

    def ask(self, line):  # once, and never again; an exception means that nobody knows
        self.socket.sendall(line.encode() + b"\n")
        answer = self.answers.readline()
        assert answer, "the connection ended"
        return answer.strip()

    def read(self, op):
        answer = self.ask(f"GET {op['key']}")
        return {"value": None if answer == "NONE" else int(answer)}

    def write(self, op):
        answer = self.ask(f"SET {op['key']} {op['value']}")
        if answer == "REFUSED":  # only if it certainly never takes effect
            raise fracas_client.Fail(answer)
        assert answer == "OK", answer

    def close(self):
        self.socket.close()


fracas_client.run(Client)
