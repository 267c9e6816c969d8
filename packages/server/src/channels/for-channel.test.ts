import { ipKey } from '@sealtrail/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forChannel, withheld } from './for-channel.ts';
import { outgoingOf } from './outgoing.ts';
import { sampleNotification } from './testing/sample-notification.ts';
import { sampleTargets } from './testing/sample-targets.ts';

const told = (entity: Record<string, string>, actors: string[] = []): string[] => {
  const { alert } = forChannel(sampleNotification({ entity, actors }), { personalData: false }).data;
  return [...Object.values(alert.entity), ...alert.actors].map(String);
};

describe('forChannel', () => {
  it('changes nothing where personal data may leave', () => {
    const notification = sampleNotification({ entity: { 'actor.email': 'jo@example.com' } });
    expect(forChannel(notification, { personalData: true })).toBe(notification);
  });

  it('cuts addresses to their network and keeps ids of actors', () => {
    const { alert } = forChannel(sampleNotification(), { personalData: false }).data;
    expect(alert.addresses).toEqual(['192.0.2.0/24', '2001:db8:1::/48']);
    expect(alert.actors).toEqual(['u_1', 'u_2']);
    expect(alert.entity).toEqual({ 'actor.id': 'u_1', 'source.ip': '192.0.2.0/24' });
  });

  it.each([
    'actor.name',
    'actor.email',
    'targets.name',
    'userIdentity.userName',
    'actor.alternateId',
    'user_name',
  ])('withholds what is in %s', (field) => {
    expect(told({ [field]: 'Jo Sample' })).toEqual([withheld]);
  });

  it.each(['eventName', 'context.service', 'bucketName', 'process_name', 'requestParameters.roleName'])(
    'tells what is in %s, which is no person',
    (field) => {
      expect(told({ [field]: 'payments' })).toEqual(['payments']);
    },
  );

  it('tells nobody who takes care of it', () => {
    const { alert } = forChannel(sampleNotification({ assignee: 'jo' }), { personalData: false }).data;
    expect(alert.assignee).toBe(withheld);
  });

  it.each([
    ['from 192.0.2.77 port 22', 'from 192.0.2.0/24 port 22'],
    ['192.0.2.77:443', '192.0.2.0/24:443'],
    ['[2001:db8:1:2::77]:443', '[2001:db8:1::/48]:443'],
    ['addr:2001:db8:1:2::77.', 'addr:2001:db8:1::/48.'],
    ['192.0.2.77/x', '192.0.2.0/24/x'],
    ['12:30:192.0.2.77', '12:30:192.0.2.0/24'],
    ['::ffff:192.0.2.77', '192.0.2.0/24'],
    ['2001:db8:1:2:3:4:192.0.2.77th', '2001:db8:1::/48th'],
    ['2001:db8:1:2::77th', '2001:db8:1::/48th'],
    ['192.000.002.077', withheld],
    ['jo.sample@example.com signed in', `${withheld} signed in`],
    ['/u/jo%40example.com/x', withheld],
    ['arn:aws:sts::123456789012:assumed-role/ops', 'arn:aws:sts::123456789012:assumed-role/ops'],
    ['0190c1d2-89ab-7cde-8f01-23456789abcd', '0190c1d2-89ab-7cde-8f01-23456789abcd'],
    ['at 12:30:45', 'at 12:30:45'],
  ])('says of %j only %j', (value, expected) => {
    expect(told({ 'metadata.note': value }, [value])).toEqual([expected, expected]);
  });

  const ipv4 = fc.ipV4();
  const ipv6 = fc.ipV6().filter((address) => ipKey(address) !== undefined);
  const before = fc.constantFrom('', ' ', '(', 'a ', '"', ',', '=', '/', 'ip:');
  // A hexadecimal digit right behind it would make another address of it, or none.
  const behind = fc.constantFrom('', ' ', ')', 'th ', '"', ',', '=', '/', '. ', ':');

  it('lets no address through, whatever stands around it', () => {
    fc.assert(
      fc.property(before, fc.oneof(ipv4, ipv6), behind, (start, address, end) => {
        for (const text of told({ field: start + address + end })) {
          const network = /[0-9a-f:.]+\/(?:24|48)|\[withheld\]/i;
          expect(text).toMatch(network);
          for (const word of text.replace(network, '').split(/[^0-9a-f:.]+/i))
            expect(ipKey(word)).toBeUndefined();
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('what leaves the server without leave for personal data', () => {
  const personal = {
    ip: '192.0.2.77',
    ipv6: '2001:db8:1:2::77',
    name: 'Jo Sample',
    email: 'jo.sample@example.org',
  };
  const notification = sampleNotification({
    entity: {
      'source.ip': personal.ip,
      'actor.name': personal.name,
      'actor.email': personal.email,
      'metadata.line': `${personal.email} from ${personal.ip} and ${personal.ipv6}`,
    },
    actors: [personal.email, personal.ip, 'u_1'],
    addresses: [personal.ip, personal.ipv6],
    assignee: personal.name,
    status: 'assigned',
  });
  const attempt = { nowMs: 0, version: '0.0.0' };

  it.each(sampleTargets)('holds no name, no e-mail address and no whole address: %s', (_name, target) => {
    const text = JSON.stringify(outgoingOf(notification, { target, personalData: false }, attempt));
    for (const value of Object.values(personal)) expect(text).not.toContain(value);
    expect(text).toContain('192.0.2.0/24');
    expect(text).toContain('u_1');
  });

  it.each(sampleTargets)('is all of it where the channel may have it: %s', (_name, target) => {
    const text = JSON.stringify(outgoingOf(notification, { target, personalData: true }, attempt));
    expect(text).toContain(personal.ip);
  });
});
