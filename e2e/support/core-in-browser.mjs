// Uses the whole of core where no Node API is: run by browser-like.ts, judged by core-browser.test.ts.
import * as core from '../../packages/core/dist/index.js';

const seen = {
  globals: ['process', 'Buffer', 'require', 'module', '__dirname', 'setTimeout', 'crypto', 'fetch'].filter(
    (name) => name in globalThis,
  ),
};

// Events: parse, refuse, redact, encode.
const bytes = new TextEncoder().encode(
  '{"action":"user.login","actor":{"type":"user","id":"u_1"},"source":{"ip":"2001:db8::1"},"reason":"Łódź \\u00e9","metadata":{"b":1,"a":[2.5,{"password":"x"}]}}',
);
const event = core.parseEvent(bytes);
const id = core.uuidV7(Date.UTC(2026, 0, 31), new Uint8Array(10));
const defaults = { id, nowMs: Date.UTC(2026, 0, 31), trail: 'main' };
const entryText = (reported) => {
  const { text, receivedAt } = core.entryText(reported, defaults);
  const time = '2026-01-31T00:00:00.000Z';
  return text.slice(0, receivedAt) + time + text.slice(receivedAt + time.length);
};
const redacted = core.createRedactor()(event, entryText(event));
const entry = entryText(redacted);
seen.entry = entry;
seen.isCanonical = core.canonicalJson(JSON.parse(entry)) === entry;
try {
  core.parseEvent(new TextEncoder().encode('{"action":"a","action":"b"}'));
} catch (error) {
  seen.refused = error instanceof core.SealtrailError && error.code;
}

// A tree of 300 entries, with tiles and bundles; the entry above is number 77.
const hasher = core.createTreeHasher();
const entries = Array.from({ length: 300 }, (_, i) =>
  new TextEncoder().encode(i === 77 ? entry : `{"id":"${i}"}`),
);
const nodes = new Map();
const range = new core.CompactRange(hasher);
for (const one of entries)
  range.append(hasher.leafHash(one), (level, index, hash) => nodes.set(`${level}/${index}`, hash));
const node = (level, index) => nodes.get(`${level}/${index}`);
const root = core.rootAt(300, node, hasher);
seen.rootsAgree = core.equalBytes(root, range.root());
seen.bundle = core.decodeBundle(core.encodeBundle(entries.slice(0, 256))).length;
seen.tile = core.parseTilePath(core.tilePath(0, 1, 44));
const hashes = core.proveInclusion(77, 300, node, hasher);
seen.consistent = codeOf(() =>
  core.verifyConsistency(
    77,
    300,
    core.rootAt(77, node, hasher),
    root,
    core.proveConsistency(77, 300, node, hasher),
    hasher,
  ),
);

// A checkpoint: sign, open, and a proof file that is verified under a pinned policy.
const key = core.generateKey('audit.example/main', new Uint8Array(32).fill(7));
const signer = core.createSigner(key.skey);
const checkpoint = core.signCheckpoint({ origin: 'audit.example/main', size: 300, root }, [signer]);
seen.opened = core.openCheckpoint(checkpoint, [core.verifierFromVkey(key.vkey)]).checkpoint.size;
const policy = core.parsePolicy(`log ${key.vkey}\nquorum none\n`);
const proof = core.formatProofFile({ index: 77, hashes, checkpoint });
seen.verdict = core.verifyEntry(entries[77], proof, { policy }).code;
seen.forgedVerdict = core.verifyEntry(entries[78], proof, { policy }).code;

// Queries: parse, match, page.
const filter = core.parseFilter('actor:u_1 action:user.* ip:2001:db8::/32 since:24h', {
  nowMs: Date.UTC(2026, 0, 31, 1),
});
seen.matches = core.matches(filter, JSON.parse(entry));
const cursor = core.encodeCursor({ digest: core.queryDigest('main', filter), index: 77, nowMs: 1 });
seen.cursor = core.cursorFor(cursor, 'main', filter).index;

// The wire contract.
seen.contract = core.receiptSchema.safeParse({
  id,
  trail: 'main',
  index: 77,
  leafHash: core.encodeBase64(root),
}).success;

function codeOf(action) {
  try {
    action();
    return 'ok';
  } catch (error) {
    return error.code ?? String(error);
  }
}

report(seen);
