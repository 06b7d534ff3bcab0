#!/usr/bin/env python3
"""A client of the lock server: its holders are the server's sessions, by name."""
import os, select, socket, sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../targets/clients"))
import fracas_client


class Client:
    def __init__(self, node, hello):
        self.place, self.seconds = (node.ip, node.ports["lock"]), hello["timeout_ms"] / 1000
        self.connect()

    def connect(self):
        self.socket, self.name = socket.create_connection(self.place, self.seconds), None
        self.answers = self.socket.makefile("r")

    def say(self, *words):
        self.socket.sendall(" ".join(words).encode() + b"\n")
        return self.answers.readline().split() or ["nothing: the connection ended"]

    def ask(self, op, command):
        name = f"holder-{op['holder']}"
        try:  # of the operation itself nothing is sent yet
            if self.name != name or select.select([self.socket], [], [], 0)[0]:  # it has ended
                self.connect()
                self.name = self.say("HELLO", name)[1]
        except (OSError, IndexError) as error:
            raise fracas_client.Fail(f"no session: {error}")
        answer = self.say(command, op["key"])
        if answer[0] in ("BUSY", "NOT-YOURS"):
            raise fracas_client.Fail(answer[0])
        assert answer[0] == "OK", answer[0]
        return answer

    acquire = lambda self, op: {"token": int(self.ask(op, "LOCK")[1])}
    release = lambda self, op: self.ask(op, "UNLOCK") and None


fracas_client.run(Client)
