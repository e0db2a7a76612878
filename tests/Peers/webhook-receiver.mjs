// A receiver of webhooks for tests: node webhook-receiver.mjs SECRET. Prints its address. POST: 204 for what `standardwebhooks` verifies and
// `cloudevents` parses, else 400; GET: what came, in order, as [{ id, verified, error, event }].
import { createServer } from "node:http";
import { HTTP } from "cloudevents";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.argv[2]);
const received = [];

function judge(headers, body) {
  try {
    webhook.verify(body, headers);
    const event = HTTP.toEvent({ headers, body });
    event.validate();
    return { id: headers["webhook-id"], verified: true, event: event.toJSON() };
  } catch (failure) {
    return { id: headers["webhook-id"], verified: false, error: String(failure) };
  }
}

const http = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    if (request.method === "GET") {
      response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(received));
      return;
    }
    const one = judge(request.headers, Buffer.concat(chunks).toString("utf8"));
    received.push(one);
    response.writeHead(one.verified ? 204 : 400).end();
  });
});
http.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${http.address().port}/hook`));
