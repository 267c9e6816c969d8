// The limit of HTTP here: a bare server that reads the body and answers with 143 bytes, as many as a receipt has.
import { createServer } from 'node:http';

const answer = JSON.stringify({ receipts: 'x'.repeat(128) });
const server = createServer((request, response) => {
  request.on('data', () => {});
  request.on('end', () =>
    response
      .writeHead(201, { 'content-type': 'application/json', 'content-length': answer.length })
      .end(answer),
  );
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address) console.log(`listens on http://127.0.0.1:${address.port}`);
});
