import type { ChannelTarget, Notification } from '@sealtrail/core';
import type { Outgoing } from '../channel-ports.ts';
import { emailMessage } from './email.ts';
import { forChannel } from './for-channel.ts';
import { ocsfFinding } from './ocsf.ts';
import { pagerdutyRequest } from './pagerduty.ts';
import { slackRequest } from './slack.ts';
import { syslogMessage } from './syslog.ts';
import { teamsRequest } from './teams.ts';
import { webhookRequest } from './webhook.ts';

/** What a message says beside the notification. */
export interface Attempt {
  /** Time of the attempt, which the signature of a webhook covers. */
  readonly nowMs: number;
  /** Version of the server, for formats that name the product. */
  readonly version: string;
}

/** What is sent through a channel: a notification, cut to what the channel may have, as its kind wants it. */
export function outgoingOf(
  notification: Notification,
  channel: { readonly target: ChannelTarget; readonly personalData: boolean },
  { nowMs, version }: Attempt,
): Outgoing {
  const { target } = channel;
  const told = forChannel(notification, channel);
  switch (target.kind) {
    case 'webhook':
      return webhookRequest(told, target, nowMs);
    case 'slack':
      return slackRequest(told, target);
    case 'teams':
      return teamsRequest(told, target);
    case 'pagerduty':
      return pagerdutyRequest(told, target);
    case 'email':
      return emailMessage(told, target);
    case 'syslog':
      return syslogMessage(told, target, version);
    case 'ocsf':
      return {
        via: 'http',
        url: target.url,
        headers: {
          'content-type': 'application/json',
          ...(target.authorization !== undefined && { authorization: target.authorization }),
        },
        body: JSON.stringify(ocsfFinding(told, version)),
      };
    case 'stdout':
      return {
        via: 'stdout',
        line: JSON.stringify(target.format === 'ocsf' ? ocsfFinding(told, version) : told),
      };
  }
}
