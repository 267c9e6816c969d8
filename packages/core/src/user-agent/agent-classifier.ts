import crawlers from 'crawler-user-agents';
import { list as botPatterns } from 'isbot';
import { familyOf } from './agent-family.ts';
import { attackTools, headlessBrowsers, httpLibraries } from './attack-tools.ts';
import { BotPatterns } from './bot-patterns.ts';
import { NamedPatterns } from './named-patterns.ts';
import { WordList } from './word-list.ts';

/** What a user agent is, by its own account. `other` is neither known nor like a browser: an app, mostly. */
export type AgentKind = 'attack_tool' | 'headless' | 'library' | 'crawler' | 'empty' | 'browser' | 'other';

/** What a user agent says of itself. */
export interface Agent {
  readonly kind: AgentKind;
  /** In lower case, where one is known: `sqlmap`, `curl`, `googlebot`. Browsers have none. */
  readonly name?: string;
  /** See {@link familyOf}; of an empty one there is none. */
  readonly family?: string;
}

/** Says what a user agent is. */
export type AgentClassifier = (text: string) => Agent;

/** Kinds behind which is no person at a browser or an app. */
export const automatedKinds: ReadonlySet<AgentKind> = new Set([
  'attack_tool',
  'headless',
  'library',
  'crawler',
  'empty',
]);

/** What is behind is not looked at: user agents are as long as their senders like. */
const maxLength = 1024;
const maxRemembered = 4096;

const empty: Agent = { kind: 'empty' };

/**
 * A classifier with a memory of recent user agents, most of which come again and again. The text is an attacker's: of each
 * a bounded part is looked at, in linear time, by automata and expressions that do not backtrack. What is known is compiled
 * with the first user agent.
 */
export function agentClassifier(): AgentClassifier {
  const recent = new Map<string, Agent>();
  let knowledge: Knowledge | undefined;
  return (whole) => {
    const text = whole.slice(0, maxLength).trim();
    if (text === '' || text === '-') return empty;
    const known = recent.get(text);
    if (known !== undefined) return known;
    knowledge ??= new Knowledge();
    const agent = { ...knowledge.classify(text), family: familyOf(text) };
    // The one that came first goes first: one that comes often is back soon.
    if (recent.size >= maxRemembered) recent.delete(recent.keys().next().value!);
    recent.set(text, agent);
    return agent;
  };
}

/**
 * What tells user agents apart, from what says most to what says least. isbot says whether it is a crawler, and
 * crawler-user-agents which: that list also has names of apps that people use, which are no sign of a crawler by themselves.
 */
class Knowledge {
  readonly #attackTools = new WordList(attackTools);
  readonly #headless = new WordList(headlessBrowsers);
  readonly #libraries = new WordList(httpLibraries);
  readonly #crawlers = new NamedPatterns(crawlers.map(({ pattern }) => pattern));
  readonly #bots = new BotPatterns(botPatterns);

  classify(text: string): Agent {
    const tool = this.#attackTools.find(text);
    if (tool !== undefined) return { kind: 'attack_tool', name: tool };
    const headless = this.#headless.find(text);
    if (headless !== undefined) return { kind: 'headless', name: headless };
    // Crawlers say what they are made with, and apps what they are made of: a library's name counts where it comes first.
    const library = this.#libraries.findFirst(text);
    if (library !== undefined) return { kind: 'library', name: library };
    if (this.#bots.test(text)) {
      const name = this.#crawlers.find(text);
      return { kind: 'crawler', ...(name !== undefined && { name }) };
    }
    return { kind: /^(?:Mozilla|Opera)\//.test(text) ? 'browser' : 'other' };
  }
}
