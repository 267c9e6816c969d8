import type { Channel, ChannelTarget } from '@sealtrail/core';

/** A target without its secrets, as it is shown to those who may manage channels. */
export function shownTarget(target: ChannelTarget): Channel['target'] {
  switch (target.kind) {
    case 'webhook':
      return { kind: target.kind, url: withoutQuery(target.url), secrets: target.secrets?.length ?? 0 };
    case 'slack':
    case 'teams':
      // Whoever has the whole URL can write to the room.
      return { kind: target.kind, url: new URL(target.url).origin };
    case 'pagerduty':
      return { kind: target.kind, url: withoutQuery(target.url) };
    case 'email': {
      const { password, ...shown } = target;
      return { ...shown, hasPassword: password !== undefined };
    }
    case 'ocsf': {
      const { authorization, ...shown } = target;
      return { ...shown, url: withoutQuery(target.url), hasAuthorization: authorization !== undefined };
    }
    case 'syslog':
    case 'stdout':
      return target;
  }
}

/** Where a target leads to, for the entry of an administrative act: kind and host. */
export function placeOf(target: ChannelTarget): { readonly kind: string; readonly leadsTo?: string } {
  const host = hostOf(target);
  return { kind: target.kind, ...(host !== undefined && { leadsTo: host }) };
}

/** The host that a target leads to, an IPv6 address without brackets; undefined when it stays in the process. */
export function hostOf(target: ChannelTarget): string | undefined {
  if (target.kind === 'stdout') return undefined;
  if ('url' in target) return new URL(target.url).hostname.replace(/^\[|\]$/g, '');
  return target.host;
}

function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
