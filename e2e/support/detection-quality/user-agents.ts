// Labelled user agents of isbot, as the classifier tells them apart.
import { existsSync } from 'node:fs';
import { records } from './corpus.ts';

/** Where the classifier is, in versions that have one. */
const module = new URL('../../../packages/core/src/user-agent/agent-classifier.ts', import.meta.url);

interface Classifier {
  readonly agentClassifier: () => (text: string) => { readonly kind: string };
  /** Kinds behind which is no person. */
  readonly automatedKinds: ReadonlySet<string>;
}

export interface UserAgents {
  readonly bots: number;
  readonly botsFound: number;
  readonly browsers: number;
  readonly browsersFlagged: number;
  /** How many of each kind, by name. */
  readonly kinds: ReadonlyMap<string, { readonly bots: number; readonly browsers: number }>;
}

/** Classifies all of them; undefined where there is no classifier. */
export async function userAgents(): Promise<UserAgents | undefined> {
  if (!existsSync(module)) return undefined;
  const { agentClassifier, automatedKinds } = (await import(module.href)) as Classifier;
  const classify = agentClassifier();
  const counts = { bots: 0, botsFound: 0, browsers: 0, browsersFlagged: 0 };
  const kinds = new Map<string, { bots: number; browsers: number }>();
  for (const { ua, bot } of records<{ readonly ua: string; readonly bot: boolean }>(
    '06-user-agents/labelled.jsonl',
  )) {
    const { kind } = classify(ua);
    const isAutomated = automatedKinds.has(kind) ? 1 : 0;
    const ofKind = kinds.get(kind) ?? { bots: 0, browsers: 0 };
    kinds.set(kind, ofKind);
    if (bot) {
      ofKind.bots++;
      counts.bots++;
      counts.botsFound += isAutomated;
    } else {
      ofKind.browsers++;
      counts.browsers++;
      counts.browsersFlagged += isAutomated;
    }
  }
  return { ...counts, kinds };
}
