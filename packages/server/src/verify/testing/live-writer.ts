import { setTimeout as delay } from 'node:timers/promises';
import { ownerScope } from '../../access/scopes.ts';
import { parseConfig } from '../../config.ts';
import { openEngine } from '../../main.ts';

// A process of its own that writes to a data folder until it is told to stop: small commits, a checkpoint every few
// milliseconds, now and then a new trail.

const entriesARequest = 16;
const requestsATrail = 60;
const maxTrails = 30;

const engine = await openEngine(
  parseConfig({
    dir: process.argv[2]!,
    originPrefix: 'audit.example',
    logLevel: 'silent',
    publishEveryMs: 10,
  }),
);
let isStopped = false;
process.on('message', () => {
  isStopped = true;
});
process.send!('writing');
for (let n = 0; !isStopped; n++) {
  const trails = ['main', `trail-${Math.min(Math.floor(n / requestsATrail), maxTrails)}`];
  for (const trail of trails) {
    const request = engine.intake.begin(ownerScope, false);
    for (let i = 0; i < entriesARequest; i++)
      request.addLine(Buffer.from(JSON.stringify({ trail, action: 'user.login', metadata: { n, i } })));
    await request.finish();
  }
  await delay(2);
}
await engine[Symbol.asyncDispose]();
process.disconnect?.();
