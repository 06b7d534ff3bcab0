// Performs operations on NAME: put your protocol in the place of these lines of text over TCP.
import { once } from "node:events";
import net from "node:net";
import { createInterface } from "node:readline";
import { Fail, run } from "./fracas_client.mjs";

class Client {
  static async open(node, hello) { // a session of one process; an exception refuses it
    const client = new Client();
    client.socket = net.connect(node.ports.client, node.ip);
    await once(client.socket, "connect");
    client.socket.on("error", () => {});
    client.answers = createInterface({ input: client.socket })[Symbol.asyncIterator]();
    return client;
  }

  async ask(line) { // once, and never again; an exception means that nobody knows
    this.socket.write(line + "\n");
    const { value, done } = await this.answers.next();
    if (done) throw new Error("the connection ended");
    return value;
  }

  async read(op) {
    const answer = await this.ask(`GET ${op.key}`);
    return { value: answer === "NONE" ? null : Number(answer) };
  }

  async write(op) {
    const answer = await this.ask(`SET ${op.key} ${op.value}`);
    if (answer === "REFUSED") throw new Fail(answer); // only if it certainly never takes effect
    if (answer !== "OK") throw new Error(answer);
  }

  close() {
    this.socket.destroy();
  }
}

run(Client);
