import type { ChannelKind } from '@sealtrail/core';
import { Option } from 'commander';

/** Arguments of one kind, by the names of its options. */
export type KindOptions = Readonly<Record<string, string | readonly string[] | undefined>>;

/** How channels of one kind are made on the command line. */
export interface KindOfChannel {
  readonly description: string;
  /** Whether it leads to an address, which may be a secret; `default`: the server knows one. */
  readonly url?: 'needed' | 'default';
  /** What its secret is, and whether there has to be one. */
  readonly secret?: { readonly what: string; readonly isNeeded?: true };
  readonly options: () => readonly Option[];
  /** The target as the server takes it, which says what is wrong with it. */
  readonly target: (options: KindOptions, url: string | undefined, secret: string | undefined) => object;
}

const needed = (flags: string, description: string): Option =>
  new Option(flags, description).makeOptionMandatory();
/** What is no number is refused where the target is held against its schema. */
const portOf = ({ port }: KindOptions): object => (port === undefined ? {} : { port: Number(port) });

/** All kinds of channels. */
export const kindsOfChannels: Readonly<Record<ChannelKind, KindOfChannel>> = {
  webhook: {
    description:
      'a POST, signed as Standard Webhooks; without a key of yours, one is made and shown this once',
    url: 'needed',
    secret: { what: 'your own key, whsec_...; several a line each' },
    options: () => [],
    target: (_, url, secret) => ({ url, ...(secret !== undefined && { secrets: secret.split(/\r?\n/) }) }),
  },
  slack: {
    description: 'a message for an incoming webhook of Slack',
    url: 'needed',
    options: () => [],
    target: (_, url) => ({ url }),
  },
  teams: {
    description: 'a card for a webhook of Teams (Workflows)',
    url: 'needed',
    options: () => [],
    target: (_, url) => ({ url }),
  },
  pagerduty: {
    description: 'an incident of PagerDuty (Events API v2)',
    url: 'default',
    secret: { what: 'the integration key', isNeeded: true },
    options: () => [],
    target: (_, url, routingKey) => ({ routingKey, url }),
  },
  email: {
    description: 'a mail',
    secret: { what: 'the password of --user' },
    options: () => [
      needed('--host <host>', 'mail server'),
      new Option('--port <port>', 'its port (default 587)'),
      new Option('--security <how>', 'how mails get there (default starttls)').choices([
        'tls',
        'starttls',
        'none',
      ]),
      new Option('--user <name>', 'who signs in there'),
      needed('--from <address>', 'whom it is from'),
      needed('--to <address...>', 'whom it is for'),
    ],
    target: (options, _, password) => {
      const { host, security, user, from, to } = options;
      return { ...{ host, security, user, password, from, to }, ...portOf(options) };
    },
  },
  syslog: {
    description: 'a message of syslog (RFC 5424)',
    options: () => [
      needed('--host <host>', 'syslog server'),
      new Option('--port <port>', 'its port (default 6514)'),
      new Option('--transport <transport>', 'how messages get there (default tls)').choices([
        'tls',
        'tcp',
        'udp',
      ]),
      new Option('--format <format>', 'what a message holds (default rfc5424)').choices(['rfc5424', 'cef']),
    ],
    target: (options) => {
      const { host, transport, format } = options;
      return { ...{ host, transport, format }, ...portOf(options) };
    },
  },
  ocsf: {
    description: 'a POST of a Detection Finding (OCSF 1.8)',
    url: 'needed',
    secret: { what: 'value of the header Authorization' },
    options: () => [],
    target: (_, url, authorization) => ({ url, authorization }),
  },
  stdout: {
    description: 'a line of JSON on the standard output of the server',
    options: () => [
      new Option('--format <format>', 'what a line holds (default json)').choices(['json', 'ocsf']),
    ],
    target: ({ format }) => ({ format }),
  },
};
