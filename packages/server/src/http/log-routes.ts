import { HASH_BYTES, parseTilePath, partialWidth, SealtrailError, TILE_WIDTH } from '@sealtrail/core';
import { actorOf } from '../access/permissions.ts';
import type { Gate } from './authorize.ts';
import type { HttpContext, HttpParts } from './context.ts';
import { sourceOf } from './source.ts';

/** Full tiles never change. */
const immutable = 'private, max-age=31536000, immutable';
/** Reads of bundles by one token in one trail are one entry of `system` in this time. */
const bundleReadsMs = 60_000;
const maxRemembered = 10_000;

/** `GET /trails/{trail}/checkpoint`: the last published checkpoint, or the last witnessed one (C2SP tlog-tiles). */
export function getCheckpoint(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const trail = c.req.param('trail') ?? '';
    gate.reach(c, gate.authorize(c, 'log.read'), trail);
    // A trail that is new has one to offer only once it is signed.
    const { note } = parts.checkpoints.shown(trail) ?? (await parts.log.publish(trail));
    return new Response(note, {
      headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' },
    });
  };
}

/** `GET /trails/{trail}/tile/...`: hash tiles and entry bundles of checkpointed sizes (C2SP tlog-tiles). */
export function getTile(parts: HttpParts, gate: Gate): (c: HttpContext) => Response {
  const remembered = new Map<string, number>();
  return (c) => {
    const trail = c.req.param('trail') ?? '';
    const token = gate.authorize(c, 'log.read');
    gate.reach(c, token, trail);
    // What follows /trails/<trail>/, as it was sent.
    const resource = parseTilePath(new URL(c.req.url).pathname.split('/').slice(3).join('/'));
    if (resource.kind === 'entries') gate.refuseTenantScope(c, token);
    const level = resource.kind === 'hash' ? resource.level : 0;
    const published = parts.log.trail(trail)?.checkpoint?.size ?? 0;
    // What no checkpoint covers is not shown: nobody could verify it.
    if (partialWidth(level, resource.n, published) < resource.width) {
      throw new SealtrailError(
        'not_yet_checkpointed',
        `the last checkpoint, of size ${published}, does not cover this tile`,
      );
    }
    if (resource.kind === 'entries') {
      noteBundleRead(`${token.id} ${trail}`, () =>
        parts.system.note({
          action: 'log.read',
          category: 'data_access',
          actor: actorOf(token),
          targets: [{ type: 'trail', id: trail }],
          ...sourceOf(parts, c),
        }),
      );
    }
    const data =
      resource.kind === 'entries'
        ? parts.reader.bundle(trail, resource.n, resource.width)
        : parts.reader.tile(trail, level, resource.n, resource.width);
    if (!data || (resource.kind === 'hash' && data.length !== resource.width * HASH_BYTES))
      throw new SealtrailError('not_found');
    return new Response(Uint8Array.from(data), {
      headers: {
        'content-type': 'application/octet-stream',
        'cache-control': resource.width === TILE_WIDTH ? immutable : 'no-cache',
      },
    });
  };

  function noteBundleRead(key: string, note: () => void): void {
    const now = parts.now();
    if (now - (remembered.get(key) ?? Number.NEGATIVE_INFINITY) < bundleReadsMs) return;
    if (remembered.size >= maxRemembered) remembered.clear();
    remembered.set(key, now);
    note();
  }
}
