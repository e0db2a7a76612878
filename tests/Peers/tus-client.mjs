// An upload by tus-js-client for tests: node tus-client.mjs ENDPOINT FILE PATH INTERRUPTIONS. Interrupted so many times by itself it goes on from the server's
// offset, and over errors it tries again for about a minute. Prints the upload's address at its end.
import { readFile } from "node:fs/promises";
import * as tus from "tus-js-client";

const [endpoint, file, path, interruptions] = process.argv.slice(2);
const content = await readFile(file);
let left = Number(interruptions);

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
console.log(result.url);
