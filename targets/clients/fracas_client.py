"""The loop of a fracas client program (`fracas.client/1`): copy this file beside your client.

A client is a class with one method per operation, named by its word (`read`, `write`, `read_all`):

    class Client:
        def __init__(self, node, hello): ...  # open a connection; an exception refuses the session
        def read(self, op): return {"value": ...}  # what `ok` tells; None is {}
        def close(self): ...  # optional
        @staticmethod
        def status(node, hello): return {"role": "leader", "generation": 5}  # optional: who leads?

    fracas_client.run(Client)

`raise Fail("why")` says that the operation certainly did not and never will take effect. Every other
exception says that nobody knows. Never try an operation again. `node` has `name`, `ip` and `ports`.
"""
import json
import sys


class Fail(Exception):
    """The operation certainly did not, and never will, take effect."""


class Node:
    def __init__(self, name, told):
        self.name, self.ip, self.ports = name, told["ip"], told["ports"]


WORDS = (
    "read write cas swap append add remove contains read-all enqueue dequeue acquire renew release "
    "guarded-write increment generate read-version update txn"
).split()


def run(client):
    out, sys.stdout = sys.stdout, sys.stderr  # what `print` writes is no answer

    def say(**line):
        out.write(json.dumps(line) + "\n")
        out.flush()

    methods = {word: word.replace("-", "_") for word in WORDS}
    serves = [word for word, name in methods.items() if hasattr(client, name)]
    serves += ["status"] if hasattr(client, "status") else []
    hello = json.loads(sys.stdin.readline())
    say(ready=True, serves=serves)
    session = None
    for line in map(json.loads, sys.stdin):
        if "status" in line:
            name = line["status"]
            try:
                say(**{"status": name, **client.status(Node(name, hello["nodes"][name]), hello)})
            except Exception as error:
                say(status=name, unknown=describe(error))
        elif "open" in line:
            try:
                session = client(Node(line["node"], hello["nodes"][line["node"]]), hello)
                say(opened=line["open"])
            except Exception as error:
                session = None
                say(refused=line["open"], why=describe(error))
        elif "close" in line:
            if hasattr(session, "close"):
                try:
                    session.close()
                except Exception as error:
                    print(f"close: {describe(error)}")
            session = None
        else:
            try:
                say(id=line["id"], ok=getattr(session, methods[line["op"]])(line) or {})
            except Fail as error:
                say(id=line["id"], fail=str(error))
            except Exception as error:
                say(id=line["id"], info=describe(error))


def describe(error):
    return f"{type(error).__name__}: {error}"
