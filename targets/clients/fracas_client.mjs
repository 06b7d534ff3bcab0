// The loop of a fracas client program (`fracas.client/1`): copy this file beside your client.
//
// A client is a class with one method per operation, named by its word (`read`, `read_all`); every
// method may be async:
//
//     class Client {
//       static async open(node, hello) { return new Client(...) }  // an exception refuses the session
//       async read(op) { return { value: ... } }  // what `ok` tells; nothing is {}
//       close() {}  // optional
//       static async status(node, hello) { return { role: "leader", generation: 5 } }  // optional: who leads?
//     }
//     run(Client)
//
// `throw new Fail("why")` says that the operation certainly did not and never will take effect. Every
// other exception says that nobody knows. Never try an operation again. `node` has `name`, `ip`, `ports`.
import { createInterface } from "node:readline";

export class Fail extends Error {}

const WORDS = ("read write cas swap append add remove contains read-all enqueue dequeue acquire renew " +
  "release guarded-write increment generate read-version update txn").split(" ");
const method = (word) => word.replace("-", "_");
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const why = (error) => `${error?.name ?? "Error"}: ${error?.message ?? error}`;

export async function run(Client) {
  console.log = console.error; // what `console.log` writes is no answer
  let hello, session;
  for await (const text of createInterface({ input: process.stdin })) {
    const line = JSON.parse(text);
    if (line.hello) {
      hello = line;
      const serves = WORDS.filter((word) => method(word) in Client.prototype);
      say({ ready: true, serves: Client.status ? [...serves, "status"] : serves });
    } else if (line.status !== undefined) {
      try {
        const told = await Client.status({ name: line.status, ...hello.nodes[line.status] }, hello);
        say({ status: line.status, ...told });
      } catch (error) {
        say({ status: line.status, unknown: why(error) });
      }
    } else if (line.open !== undefined) {
      try {
        session = await Client.open({ name: line.node, ...hello.nodes[line.node] }, hello);
        say({ opened: line.open });
      } catch (error) {
        say({ refused: line.open, why: why(error) });
      }
    } else if (line.close !== undefined) {
      try {
        await session?.close?.();
      } catch (error) {
        console.error(`close: ${why(error)}`);
      }
      session = undefined;
    } else {
      try {
        say({ id: line.id, ok: (await session[method(line.op)](line)) ?? {} });
      } catch (error) {
        say(error instanceof Fail ? { id: line.id, fail: error.message } : { id: line.id, info: why(error) });
      }
    }
  }
}
