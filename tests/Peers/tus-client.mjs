// An upload by tus-js-client for tests: node tus-client.mjs ENDPOINT FILE PATH INTERRUPTIONS. Interrupted so many times by itself it goes on from the server's
// offset, and over errors it tries again for about a minute. Prints one line of JSON at its end: the upload's address, how many uploads it created, and the
// offsets that the server named when it was asked where to go on.
import { readFile } from "node:fs/promises";
import * as tus from "tus-js-client";

const [endpoint, file, path, interruptions] = process.argv.slice(2);
const content = await readFile(file);
let left = Number(interruptions);
let creations = 0;
const offsets = [];

function upload(uploadUrl) {
  return new Promise((resolve, reject) => {
    let chunks = 0;
    const one = new tus.Upload(content, {
      endpoint,
      uploadUrl,
      chunkSize: 1 << 20,
      metadata: { path, filename: "named by the client" },
      retryDelays: Array(60).fill(1000),
      onError: reject,
      onSuccess: () => resolve({ url: one.url, done: true }),
      onAfterResponse: (request, response) => {
        if (request.getMethod() === "POST") creations += 1;
        if (request.getMethod() === "HEAD" && response.getStatus() === 200) offsets.push(Number(response.getHeader("Upload-Offset")));
      },
      onChunkComplete: () => {
        chunks += 1;
        if (left > 0 && chunks === 3) {
          left -= 1;
          one.abort().then(() => resolve({ url: one.url, done: false }), reject);
        }
      },
    });
    one.start();
  });
}

let result = await upload(null);
while (!result.done) result = await upload(result.url);
console.log(JSON.stringify({ url: result.url, creations, offsets }));
