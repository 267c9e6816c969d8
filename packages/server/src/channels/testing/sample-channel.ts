import type { StoredChannel } from '../../channel-ports.ts';
import { sampleTarget } from './sample-targets.ts';

/** A channel that leads to a webhook, of which the URL ends with its id. */
export const sampleChannel = (id: string, given: Partial<StoredChannel> = {}): StoredChannel => ({
  id,
  name: `channel ${id}`,
  target: { ...sampleTarget('webhook'), url: `https://hooks.example.com/${id}` },
  filter: { minLevel: 'medium' },
  timers: { waitMs: 0, intervalMs: 0, repeatMs: 0 },
  personalData: false,
  isEnabled: true,
  disabledBecause: null,
  createdAt: '2026-01-31T00:00:00.000Z',
  changedAt: '2026-01-31T00:00:00.000Z',
  ...given,
});
