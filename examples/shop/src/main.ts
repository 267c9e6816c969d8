import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createRecorder } from '@sealtrail/client';
import { createShop } from './shop.ts';

// SEALTRAIL_URL=http://127.0.0.1:7600 SEALTRAIL_TOKEN=stk_... PORT=3000 node examples/shop/dist/main.js
const {
  SEALTRAIL_URL: url = 'http://127.0.0.1:7600',
  SEALTRAIL_TOKEN: token,
  PORT: port = '3000',
} = process.env;
if (!token) {
  console.error('SEALTRAIL_TOKEN is not set: make one with `sealtrail token create --role ingest`.');
  process.exit(2);
}
if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
  console.error('PORT: expected a number from 0 to 65535.');
  process.exit(2);
}

const recorder = createRecorder({
  url,
  token,
  defaults: { context: { service: 'shop', environment: 'example' } },
  onError: (error, event) => console.error(`not recorded: ${error.code}, event ${event?.id ?? 'unknown'}`),
});
const server = createShop({ recorder }).listen(Number(port), '127.0.0.1');
await once(server, 'listening');
console.log(`The shop is at http://127.0.0.1:${(server.address() as AddressInfo).port}; Ctrl-C ends it.`);

await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
// First no more requests, then what they have recorded goes out.
server.close();
server.closeIdleConnections();
await recorder.close();
