// Load from a process of its own: keeps `connections` sockets busy with one request after another and prints what came
// back as JSON. Raw sockets, so that the client costs less than the server it measures.
// Arguments: url token connections eventsPerRequest seconds
import { connect } from 'node:net';
import { percentile, sampleEvent } from './events.ts';

const [url = '', token = '', connections = '1', eventsPerRequest = '1', seconds = '5'] =
  process.argv.slice(2);
const { hostname, port, pathname } = new URL(url);
const count = Number(eventsPerRequest);
// Without ids: the server makes them, so that the same bytes can be sent again and again.
const events = Array.from({ length: count }, (_, i) => sampleEvent(i, false));
const body = JSON.stringify(count === 1 ? events[0] : events);
const request = Buffer.from(
  `POST ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
);
const end = performance.now() + Number(seconds) * 1000;
const latencies: number[] = [];
const startMs = performance.now();

await Promise.all(Array.from({ length: Number(connections) }, run));
const elapsed = (performance.now() - startMs) / 1000;
console.log(
  JSON.stringify({
    eventsPerSecond: (latencies.length * count) / elapsed,
    requestsPerSecond: latencies.length / elapsed,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
  }),
);

/** One connection: a request, its answer, the next request, until the time is over. */
function run(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    socket.setNoDelay(true);
    let sentMs = 0;
    let received: Buffer = Buffer.alloc(0);
    const send = (): void => {
      sentMs = performance.now();
      socket.write(request);
    };
    socket.on('connect', send);
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const head = received.indexOf('\r\n\r\n');
      if (head < 0) return;
      const headers = received.toString('latin1', 0, head);
      const length = Number(/content-length: (\d+)/i.exec(headers)?.[1] ?? 0);
      if (received.length < head + 4 + length) return;
      if (!headers.startsWith('HTTP/1.1 2')) {
        reject(new Error(`${headers.split('\r\n')[0]} ${received.toString('utf8', head + 4, head + 300)}`));
        socket.destroy();
        return;
      }
      latencies.push(performance.now() - sentMs);
      received = Buffer.alloc(0);
      if (performance.now() < end) send();
      else {
        socket.end();
        resolve();
      }
    });
  });
}
