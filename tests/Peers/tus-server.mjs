// A tus server for tests: node tus-server.mjs FOLDER. Prints its address; what it stores lies in FOLDER by the upload's id.
import { createServer } from "node:http";
import { FileStore } from "@tus/file-store";
import { Server } from "@tus/server";

const folder = process.argv[2];
const tus = new Server({ path: "/files", datastore: new FileStore({ directory: folder }), relativeLocation: true });
const http = createServer((request, response) => tus.handle(request, response));
http.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${http.address().port}/files`));
