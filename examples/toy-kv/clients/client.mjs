// A client of the toy server: three operations; the kit does the rest.
import http from "node:http";
import { once } from "node:events";
import net from "node:net";
import { Fail, run } from "../../../targets/clients/fracas_client.mjs";

class Toy {
  static async open(node, hello) {
    const probe = net.connect(node.ports.http, node.ip); // refuses the session if nobody is there
    await once(probe, "connect");
    probe.destroy();
    return Object.assign(new Toy(), { node, timeout: hello.timeout_ms });
  }

  async ask(method, path, body) {
    const sent = JSON.stringify(body ?? {});
    const headers = { "Content-Length": sent.length };
    const { ip: host, ports } = this.node;
    const request = http.request({ host, port: ports.http, method, path, headers, timeout: this.timeout });
    request.on("timeout", () => request.destroy(new Error("timed out")));
    request.end(sent);
    const [response] = await once(request, "response");
    let text = "";
    for await (const chunk of response) text += chunk;
    return [response.statusCode, JSON.parse(text || "{}")];
  }

  async read(op) {
    const [status, body] = await this.ask("GET", `/kv/${op.key}`);
    if (status !== 200 && status !== 404) throw new Fail(`status ${status}`);
    return { value: body.value };
  }

  async write(op) {
    const [status] = await this.ask("PUT", `/kv/${op.key}`, { value: op.value });
    if (status !== 200) throw new Error(`status ${status}`);
  }

  async cas(op) {
    const [status, body] = await this.ask("POST", `/kv/${op.key}/cas`, { old: op.old, new: op.new });
    if (status !== 200) throw new Error(`status ${status}`);
    if (!body.swapped) throw new Fail("mismatch");
  }
}

run(Toy);
