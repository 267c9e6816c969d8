import { all, sql, type TamperCase } from './tamper-case.ts';
import { own, replaceKey, replacePolicy, strangers } from './tamper-key-cases.ts';

/** Keys, names and the trust policy. */
export const identityCases: readonly TamperCase[] = [
  {
    name: 'the key is another one wherever the folder has it',
    apply: replaceKey,
    code: 'key_unknown',
    finds: ['main identity key_unknown', 'main checkpoints key_unknown'],
  },
  {
    name: 'the key is another one, and the trust policy in the folder is consulted',
    apply: replaceKey,
    code: 'key_unknown',
    finds: ['main identity key_unknown', 'main checkpoints key_unknown'],
    options: own,
  },
  {
    name: 'the key is another one in the trust policy of the folder too',
    apply: all(replaceKey, replacePolicy),
    code: 'key_unknown',
    finds: ['main identity key_unknown', 'main checkpoints key_unknown'],
  },
  {
    name: 'the key is another one in the trust policy of the folder too, which is consulted',
    apply: all(replaceKey, replacePolicy),
    code: 'key_unknown',
    finds: ['main published key_unknown'],
    options: own,
  },
  {
    name: 'the trust policy of the folder names another key',
    apply: replacePolicy,
    code: 'key_unknown',
    finds: ['folder identity key_unknown'],
  },
  {
    name: 'the trust policy of the folder cannot be read',
    apply: (folder) => folder.write('trust-policy.txt', 'log nonsense\n'),
    code: 'unreadable',
    finds: ['folder identity unreadable'],
  },
  {
    name: 'the trust policy of the folder cannot be read, and is consulted',
    apply: (folder) => folder.write('trust-policy.txt', 'log nonsense\n'),
    code: 'unreadable',
    finds: ['folder identity unreadable', 'main identity key_unknown'],
    options: own,
  },
  {
    name: 'the trust policy of the folder is removed, and would be consulted',
    apply: (folder) => folder.remove('trust-policy.txt'),
    code: 'key_unknown',
    finds: ['folder identity key_unknown', 'main identity key_unknown'],
    options: own,
  },
  {
    name: 'the policy given knows nobody',
    apply: () => {},
    code: 'key_unknown',
    finds: ['main identity key_unknown', 'system identity key_unknown', 'main checkpoints key_unknown'],
    options: { policyText: 'quorum none\n' },
  },
  {
    name: 'a trail is renamed',
    apply: sql("UPDATE trail SET name = 'other' WHERE name = 'main'"),
    code: 'missing',
    finds: [
      'folder identity modified',
      'folder published missing',
      'other content inserted_or_reordered 0-699',
    ],
  },
  {
    name: 'a trail is renamed with its origin',
    apply: sql("UPDATE trail SET name = 'other', origin = 'audit.example/other' WHERE name = 'main'"),
    code: 'missing',
    finds: ['folder identity missing', 'other identity key_unknown'],
  },
  {
    name: 'two trails exchange their names',
    apply: sql(`UPDATE trail SET name = 'x' WHERE id = 1; UPDATE trail SET name = 'main' WHERE id = 3;
      UPDATE trail SET name = 'billing' WHERE id = 1`),
    code: 'rolled_back',
    finds: ['folder identity modified', 'main content inserted_or_reordered 0-259'],
  },
  {
    name: 'a trail is removed with everything of it',
    apply: all(
      sql(`DELETE FROM trail WHERE id = 3; DELETE FROM bundle WHERE trail = 3; DELETE FROM tail WHERE trail = 3;
        DELETE FROM tile WHERE trail = 3; DELETE FROM entry_id WHERE trail = 3; DELETE FROM checkpoint WHERE trail = 3`),
      sql("DELETE FROM published WHERE trail = 'billing'", 'published.db'),
    ),
    code: 'missing',
    finds: ['folder identity missing'],
  },
  {
    name: 'a trail is added',
    apply: sql(`INSERT INTO trail VALUES (4, 'extra', 'audit.example/extra', '${strangers.vkey}')`),
    code: 'key_unknown',
    finds: ['extra identity key_unknown'],
  },
  {
    name: 'a trail is added under the origin of another',
    apply: sql("INSERT INTO trail SELECT 4, 'extra', origin, vkey FROM trail WHERE id = 1"),
    code: 'modified',
    finds: ['folder identity modified'],
  },
];
