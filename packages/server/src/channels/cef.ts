import { ipKey, type Notification, type Severity } from '@sealtrail/core';
import { cut, fitting, singleLine } from './plain-text.ts';
import { summaryOf } from './summary.ts';

/** From 0 to 10; from 9 on it is very high. */
const severities: Readonly<Record<Severity, number>> = {
  informational: 1,
  low: 3,
  medium: 5,
  high: 8,
  critical: 10,
};
const maxValue = 512;

/** A text in the header: `|` and `\` are escaped. */
export const escapeHeader = (text: string): string => singleLine(text).replace(/[\\|]/g, '\\$&');
/** A value of the extension: `=` and `\` are escaped. */
export const escapeExtension = (text: string): string =>
  cut(singleLine(text), maxValue).replace(/[\\=]/g, '\\$&');

/**
 * A notification in the Common Event Format, version 0. One line.
 *
 * @param maxBytes what does not fit is left out whole; the header alone takes up to 1600
 */
export function cefOf(notification: Notification, version: string, maxBytes: number): string {
  const { type, data } = notification;
  const { alert } = data;
  const header = [
    'CEF:0',
    'Sealtrail',
    'Sealtrail',
    escapeHeader(cut(version, 32)),
    escapeHeader(cut(alert.rule.key, 128)),
    escapeHeader(cut(alert.rule.title, 128)),
    String(severities[alert.level]),
  ];
  const address = alert.addresses.find((text) => ipKey(text) !== undefined && !text.includes(':'));
  const extension: readonly (readonly [string, string])[] = [
    ['externalId', alert.id],
    ['cat', type],
    ['rt', String(Date.parse(notification.timestamp))],
    ['start', String(Date.parse(alert.firstEventAt))],
    ['end', String(Date.parse(alert.lastEventAt))],
    ['cnt', String(alert.findings)],
    ['suid', alert.actors.join(',')],
    // It takes an IPv4 address and nothing else; all addresses are below.
    ['src', address ?? ''],
    ...custom('cs1', 'trail', alert.trail),
    ...custom('cs2', 'tenant', alert.tenant ?? ''),
    ...custom('cs3', 'entity', textOf(alert.entity)),
    ...custom('cs4', 'addresses', alert.addresses.join(', ')),
    ...custom('cs5', 'tags', alert.tags.join(', ')),
    ...custom('cs6', 'status', alert.status),
    ...custom('cn1', 'risk', String(alert.risk)),
    ['msg', summaryOf(notification).headline],
  ];
  const start = `${header.join('|')}|`;
  const pairs = extension
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `${key}=${escapeExtension(value)} `);
  return (start + fitting(pairs, maxBytes - Buffer.byteLength(start)).join('')).trimEnd();
}

const custom = (key: string, label: string, value: string): readonly (readonly [string, string])[] => [
  [`${key}Label`, value === '' ? '' : label],
  [key, value],
];

const textOf = (entity: Readonly<Record<string, unknown>>): string =>
  Object.entries(entity)
    .map(([field, value]) => `${field}: ${value}`)
    .join(', ');
