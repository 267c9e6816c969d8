import type { Alert } from '@sealtrail/core';
import type { Column } from './table.ts';
import { timeText } from './time-text.ts';

/** How alerts are shown in a table, a row by {@link alertRow}. */
export const alertColumns: readonly Column[] = [
  { heading: 'ID', isWhole: true },
  { heading: 'LEVEL', isWhole: true },
  { heading: 'STATUS' },
  { heading: 'TIME', isWhole: true },
  { heading: 'TITLE' },
  { heading: 'ABOUT' },
  { heading: 'FINDINGS', isWhole: true },
];

/** @param time which of the alert's times is shown */
export const alertRow = (alert: Alert, time: string): string[] => [
  alert.id,
  alert.level,
  statusText(alert),
  timeText(time),
  alert.rule.title,
  aboutText(alert),
  String(alert.findings),
];

/** What has become of an alert. */
export function statusText({ status, assignee, disposition }: Alert): string {
  if (status === 'assigned' && assignee !== null) return `assigned to ${assignee}`;
  return disposition === null ? status : `${status}: ${disposition.replaceAll('_', ' ')}`;
}

/** Of whom or what an alert is: what its findings have in common, and from where it came. */
export function aboutText({ entity, actors, addresses }: Alert): string {
  const values = Object.values(entity);
  const common = Object.entries(entity).map(([field, value]) => `${field}=${value}`);
  const whom = common.length > 0 ? common : listed(actors);
  const whence = addresses.some((address) => values.includes(address)) ? [] : listed(addresses);
  return [...whom, ...(whence.length > 0 ? ['from', ...whence] : [])].join(' ');
}

/** The first of some values, and how many more there are. */
function listed(values: readonly string[]): string[] {
  const [first] = values;
  if (first === undefined) return [];
  return [first, ...(values.length > 1 ? [`and ${values.length - 1} more`] : [])];
}
