/** Tactics of MITRE ATT&CK (Enterprise) by the name that tags have. */
const tactics: ReadonlyMap<string, readonly [uid: string, name: string]> = new Map([
  ['reconnaissance', ['TA0043', 'Reconnaissance']],
  ['resource-development', ['TA0042', 'Resource Development']],
  ['initial-access', ['TA0001', 'Initial Access']],
  ['execution', ['TA0002', 'Execution']],
  ['persistence', ['TA0003', 'Persistence']],
  ['privilege-escalation', ['TA0004', 'Privilege Escalation']],
  ['defense-evasion', ['TA0005', 'Defense Evasion']],
  ['credential-access', ['TA0006', 'Credential Access']],
  ['discovery', ['TA0007', 'Discovery']],
  ['lateral-movement', ['TA0008', 'Lateral Movement']],
  ['collection', ['TA0009', 'Collection']],
  ['exfiltration', ['TA0010', 'Exfiltration']],
  ['command-and-control', ['TA0011', 'Command and Control']],
  ['impact', ['TA0040', 'Impact']],
]);

const tag = /^attack\.(?:(t\d{4})(\.\d{3})?|([a-z_-]{1,64}))$/;

/** An `attack` of OCSF: a tactic, a technique, or a sub-technique with its technique. */
export interface Attack {
  readonly tactic?: { readonly uid: string; readonly name: string };
  readonly technique?: { readonly uid: string };
  readonly sub_technique?: { readonly uid: string };
}

/** What the tags of a rule say of MITRE ATT&CK; other tags, and groups and software, are none. */
export function attacksOf(tags: readonly string[]): readonly Attack[] {
  return tags.flatMap((text): Attack[] => {
    const [, technique, sub, word] = tag.exec(text.toLowerCase()) ?? [];
    if (technique !== undefined) {
      const uid = technique.toUpperCase();
      return [{ technique: { uid }, ...(sub !== undefined && { sub_technique: { uid: uid + sub } }) }];
    }
    const tactic = tactics.get(word?.replaceAll('_', '-') ?? '');
    return tactic === undefined ? [] : [{ tactic: { uid: tactic[0], name: tactic[1] } }];
  });
}
