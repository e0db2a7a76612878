// An object store for tests: node s3-server.mjs FOLDER BUCKET. Prints its address; its keys are S3RVER and S3RVER. GET /-/received
// says how many bytes clients have sent in all. The object BUCKET/KEY lies in FOLDER/BUCKET/KEY._S3rver_object.
import { createServer } from "node:http";
import S3rver from "s3rver";

const [folder, bucket] = process.argv.slice(2);
const store = new S3rver({ directory: folder, silent: true, vhostBuckets: false, configureBuckets: [{ name: bucket, configs: [] }] });
await store.configureBuckets();
const handle = store.callback();
let closed = 0;
const open = new Set();
const http = createServer((request, response) => {
  if (request.url === "/-/received")
    response.end(String([...open].reduce((sum, socket) => sum + socket.bytesRead, closed)));
  else
    handle(request, response);
});
http.on("connection", (socket) => {
  open.add(socket);
  socket.on("close", () => {
    open.delete(socket);
    closed += socket.bytesRead;
  });
});
http.requestTimeout = 0;
http.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${http.address().port}`));
