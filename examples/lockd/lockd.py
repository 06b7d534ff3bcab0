#!/usr/bin/env python3
"""A lock server of one node, over lines of text. Locks belong to sessions, and sessions have names:

    -> HELLO ada           <- HELLO ada 7   (begins the session `ada`, or goes on with it: 7 locks are held)
    -> LOCK key            <- OK 12         (granted, with a number that grows)  |  BUSY bob
    -> UNLOCK key          <- OK            |  NOT-YOURS
    -> LIST                <- LIST key key …
    -> BYE                 <- BYE           (ends the session, and gives back all of its locks)

A session outlives its connection: who comes back under the same name still has its locks. Whoever
comes under a name that is connected takes the session over, and the older connection is closed.
Every grant is on the disk before it is answered, so that a restart forgets none. With --forgetful
it is not, and a restart forgets them all.
"""
import argparse
import json
import os
import socketserver
import threading

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--listen", required=True, metavar="ADDRESS:PORT")
parser.add_argument("--file", required=True, metavar="PATH")
parser.add_argument("--forgetful", action="store_true", help="keep grants in memory only")
args = parser.parse_args()


class Locks:
    """Who holds what; one request at a time changes it."""

    def __init__(self, path):
        self.path, self.mutex = path, threading.Lock()
        self.owners, self.grants = {}, 0
        if os.path.exists(path):
            with open(path) as file:
                self.owners, self.grants = json.load(file)

    def save(self):
        if args.forgetful:
            return
        with open(self.path + ".new", "w") as file:
            json.dump([self.owners, self.grants], file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.path + ".new", self.path)

    def lock(self, name, key):
        if key in self.owners:
            return f"BUSY {self.owners[key]}"
        self.grants += 1
        self.owners[key] = name
        self.save()
        return f"OK {self.grants}"

    def unlock(self, name, key):
        if self.owners.get(key) != name:
            return "NOT-YOURS"
        del self.owners[key]
        self.save()
        return "OK"

    def held(self, name):
        return [key for key, owner in self.owners.items() if owner == name]

    def end(self, name):
        for key in self.held(name):
            del self.owners[key]
        self.save()


class Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    name = None

    def handle(self):
        try:
            for line in self.rfile:
                with locks.mutex:
                    answer = self.answer(*line.decode().split()[:2])
                self.wfile.write(answer.encode() + b"\n")
        except (OSError, ValueError, TypeError) as error:
            print(f"{self.client_address}: {error}")
        connections.pop(self.name, None) if connections.get(self.name) is self else None

    def answer(self, command, argument=None):
        if command == "HELLO" and argument:
            older = connections.get(argument)
            if older and older is not self:
                older.connection.close()
            self.name, connections[argument] = argument, self
            return f"HELLO {argument} {len(locks.held(argument))}"
        if not self.name or connections.get(self.name) is not self:
            return "WHO-ARE-YOU"
        if command == "LOCK" and argument:
            return locks.lock(self.name, argument)
        if command == "UNLOCK" and argument:
            return locks.unlock(self.name, argument)
        if command == "LIST":
            return " ".join(["LIST", *locks.held(self.name)])
        if command == "BYE":
            locks.end(self.name)
            return "BYE"
        return "WHAT"


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


locks, connections = Locks(args.file), {}
host, port = args.listen.rsplit(":", 1)
Server((host, int(port)), Connection).serve_forever()
