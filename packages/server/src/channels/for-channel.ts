import { type Alert, cidrText, ipKey, ipText, type Notification } from '@sealtrail/core';

/** Stands for what a channel is not told. */
export const withheld = '[withheld]';

/** Fields that hold whole addresses of e-mail. */
const mailField = /mail|alternateid$/i;
const nameField = /(?:name|login)$/i;
/** What ends in `name` and names no person. Whatever is not here is taken for one. */
const impersonalName =
  /(?:event|rule|service|process|image|file|bucket|policy|role|group|table|database|queue|topic|method|function|operation|command|product|application|cluster|region|host|domain)_?name$/i;

/** What looks like an e-mail address, also within a URL. Its parts are bounded, so that a long run of letters costs no more. */
const mail = /[^\s@<>"'(),;:[\]]{1,64}(?:@|%40)[^\s@<>"'(),;:[\]]{1,255}/gi;
/**
 * What may be an IPv6 address, or else an IPv4 one; whether it is one is asked afterwards. Groups with colons are none right
 * behind a letter or a digit: there they are a part of a longer name.
 */
const addressLike =
  /(?<![0-9a-z])(?:[0-9a-f]{0,4}:){2,8}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4}(?![0-9a-f]|\.\d))|\d{1,3}(?:\.\d{1,3}){3}/gi;
const dottedQuad = /\d{1,3}(?:\.\d{1,3}){3}/g;

/**
 * A notification as a channel may have it. Unless the channel is told personal data, names and e-mail addresses stay in the
 * server and IP addresses are cut to their network: /24 of IPv4, /48 of IPv6. Ids of actors stay, since somebody has to be
 * able to look them up, but for what in them is itself an address.
 */
export function forChannel(
  notification: Notification,
  { personalData }: { readonly personalData: boolean },
): Notification {
  if (personalData) return notification;
  const { alert } = notification.data;
  const impersonal: Alert = {
    ...alert,
    entity: Object.fromEntries(
      Object.entries(alert.entity).map(([field, value]) => [
        field,
        typeof value === 'string' ? impersonalValue(field, value) : value,
      ]),
    ),
    actors: alert.actors.map(impersonalText),
    addresses: alert.addresses.map((address) => networkOf(address) ?? withheld),
    assignee: alert.assignee === null ? null : withheld,
  };
  return { ...notification, data: { alert: impersonal } };
}

function impersonalValue(field: string, value: string): string {
  const isName = nameField.test(field) && !impersonalName.test(field);
  return isName || mailField.test(field) ? withheld : impersonalText(value);
}

/** A text with what is an address in it cut or taken out. */
const impersonalText = (text: string): string =>
  text
    .replace(mail, withheld)
    .replace(addressLike, (like) => (like.includes(':') ? ofGroups(like) : ofQuad(like)));

/** With a colon before or behind it an address still is one; what is written much like one is not told either. */
function ofGroups(text: string): string {
  const network = networkOf(text) ?? networkOf(text.replace(/:$/, '')) ?? networkOf(text.replace(/^:/, ''));
  if (network !== undefined) return network;
  return text.includes('::') || text.split(':').length > 7 ? withheld : text.replace(dottedQuad, ofQuad);
}

const ofQuad = (text: string): string => networkOf(text) ?? withheld;

/** The network of an address, undefined when the text is none. */
function networkOf(text: string): string | undefined {
  const key = ipKey(text);
  if (key === undefined) return undefined;
  const address = ipText(key);
  return cidrText(`${address}/${address.includes(':') ? 48 : 24}`);
}
