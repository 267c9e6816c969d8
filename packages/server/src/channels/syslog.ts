import type { ChannelTarget, Notification, Severity } from '@sealtrail/core';
import type { Outgoing } from '../channel-ports.ts';
import { cefOf } from './cef.ts';
import { cut, fitting, singleLine } from './plain-text.ts';
import { summaryOf } from './summary.ts';

/** "Log audit" (RFC 5424 section 6.2.1). */
const facility = 13;
/** Numerical codes of severity (RFC 5424 section 6.2.1). */
const severities: Readonly<Record<Severity, number>> = {
  informational: 6,
  low: 5,
  medium: 4,
  high: 3,
  critical: 2,
};
/** The enterprise number that is set aside for examples (RFC 5612): this project has none. */
const enterprise = 32473;
/** What receivers should take (RFC 5424 section 6.1): in a datagram 2048 bytes, and more where there is a stream. */
const maxBytes = { udp: 2048, tcp: 8192, tls: 8192 } as const;
const maxParameter = 128;
const maxFields = 8;

/** A message of RFC 5424, with structured data, or with the Common Event Format for its text. */
export function syslogMessage(
  notification: Notification,
  target: Extract<ChannelTarget, { kind: 'syslog' }>,
  version: string,
): Outgoing {
  const { type, timestamp, data } = notification;
  const { host, port, transport, format } = target;
  const priority = facility * 8 + severities[data.alert.level];
  const header = `<${priority}>1 ${timestamp} - sealtrail - ${type} `;
  const left = maxBytes[transport] - Buffer.byteLength(header);
  const rest =
    format === 'cef' ? `- ${cefOf(notification, version, left - 2)}` : structured(notification, left);
  return { via: 'syslog', host, port, transport, message: header + rest };
}

/** Structured data and text within so many bytes. What does not fit is left out whole, the least important first. */
function structured(notification: Notification, maxBytes: number): string {
  const { alert } = notification.data;
  // The byte order mark says that what follows is UTF-8 (RFC 5424 section 6.4).
  const text = ` \ufeff${cut(summaryOf(notification).headline, 128)}`;
  const about = parameters([
    ['id', alert.id],
    ['notification', notification.id],
    ['level', alert.level],
    ['rule', alert.rule.key],
    ['trail', alert.trail],
    ['status', alert.status],
    ['findings', String(alert.findings)],
    ['risk', String(alert.risk)],
    ['first', alert.firstEventAt],
    ['last', alert.lastEventAt],
    ['tenant', alert.tenant ?? ''],
    ['actors', alert.actors.join(',')],
    ['addresses', alert.addresses.join(',')],
  ]);
  const entity = parameters(
    Object.entries(alert.entity)
      .slice(0, maxFields)
      .map(([field, value]) => [parameterName(field), String(value)]),
  );
  const [open, openEntity] = [`[alert@${enterprise}`, `[entity@${enterprise}`];
  // Two elements have two ends.
  const left = maxBytes - Buffer.byteLength(text) - open.length - openEntity.length - 2;
  const taken = new Set(fitting([...about, ...entity], left));
  const elements = [
    [open, about],
    [openEntity, entity],
  ] as const;
  return (
    elements
      .map(([start, list]) => [start, list.filter((parameter) => taken.has(parameter))] as const)
      .filter(([, list]) => list.length > 0)
      .map(([start, list]) => `${start}${list.join('')}]`)
      .join('') + text
  );
}

/** Each once: two fields may come to the same name. */
const parameters = (pairs: readonly (readonly [name: string, value: string])[]): readonly string[] => [
  ...new Set(
    pairs.filter(([, value]) => value !== '').map(([name, value]) => ` ${name}="${escapeParameter(value)}"`),
  ),
];

/** A value of a parameter; `"`, `\` and `]` are escaped (RFC 5424 section 6.3.3). */
const escapeParameter = (value: string): string =>
  cut(singleLine(value), maxParameter).replace(/["\\\]]/g, '\\$&');

/** SD-NAME: 1 to 32 printable characters of ASCII but `=`, space, `]` and `"` (RFC 5424 section 6.3.2). */
const parameterName = (field: string): string => field.slice(0, 32).replace(/[^!#-<>-\\^-~]/g, '_') || '_';
