import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { forChannel } from './for-channel.ts';
import { ocsfFinding } from './ocsf.ts';
import { faultsOf, type OcsfSchema } from './testing/ocsf-faults.ts';
import { sampleNotification } from './testing/sample-notification.ts';

/** The compiled schema of OCSF, which is not part of this repository. */
const file = new URL('../../../../../shared/vectors/ocsf/bundle-slim-1.8.0.json', import.meta.url);

function readSchema(): OcsfSchema | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as OcsfSchema;
  } catch {
    return undefined;
  }
}
const schema = readSchema();

describe('an OCSF Detection Finding', () => {
  it.each([
    ['alert.opened', 1],
    ['alert.updated', 2],
    ['alert.repeated', 2],
    ['alert.resolved', 3],
    ['channel.test', 1],
  ] as const)('of %s has the activity %d', (type, activity) => {
    expect(ocsfFinding(sampleNotification({}, type), '1')).toMatchObject({
      class_uid: 2004,
      activity_id: activity,
      type_uid: 200_400 + activity,
      finding_info: {
        uid: 'alr_0123456789abcdef01234567',
        attacks: [
          { tactic: { uid: 'TA0006', name: 'Credential Access' } },
          { technique: { uid: 'T1110' }, sub_technique: { uid: 'T1110.003' } },
        ],
      },
    });
  });

  const resolved = {
    status: 'resolved',
    disposition: 'benign',
    tags: [],
    addresses: [],
    actors: [],
  } as const;
  it.skipIf(schema === undefined).each([
    ['opened', sampleNotification()],
    ['without personal data', forChannel(sampleNotification(), { personalData: false })],
    ['resolved', sampleNotification({ ...resolved, tags: [], addresses: [], actors: [] }, 'alert.resolved')],
    ['without a tenant', sampleNotification({ tenant: null, entity: {} })],
  ])('is valid by the schema 1.8.0: %s', (_name, notification) => {
    expect(faultsOf(schema!, JSON.parse(JSON.stringify(ocsfFinding(notification, '1'))))).toEqual([]);
  });

  it.skipIf(schema === undefined)('is checked by something that finds faults', () => {
    const { finding_info: _, ...finding } = ocsfFinding(sampleNotification(), '1');
    expect(faultsOf(schema!, { ...finding, nonsense: 1, severity_id: 77 }).sort()).toEqual([
      '$.finding_info is missing',
      '$.nonsense is unknown',
      '$.severity_id is not of the enum',
    ]);
  });
});
