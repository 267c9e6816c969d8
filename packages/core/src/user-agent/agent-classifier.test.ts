import crawlers from 'crawler-user-agents';
import { isbot, list } from 'isbot';
import { describe, expect, it } from 'vitest';
import { isAbsent, records } from '../sigma/testing/corpus.ts';
import { agentClassifier, automatedKinds } from './agent-classifier.ts';
import { BotPatterns } from './bot-patterns.ts';
import { NamedPatterns } from './named-patterns.ts';

const chrome =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36';

describe('agentClassifier', () => {
  const classify = agentClassifier();

  it.each([
    ['', 'empty', undefined],
    ['-', 'empty', undefined],
    ['  ', 'empty', undefined],
    [chrome, 'browser', undefined],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0',
      'browser',
      undefined,
    ],
    [chrome.replace('Chrome', 'HeadlessChrome'), 'headless', 'headlesschrome'],
    ['sqlmap/1.8.2#stable (https://sqlmap.org)', 'attack_tool', 'sqlmap'],
    ['Mozilla/5.00 (Nikto/2.5.0) (Evasions:None) (Test:Port Check)', 'attack_tool', 'nikto'],
    [
      'Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)',
      'attack_tool',
      'nmap scripting engine',
    ],
    ['Mozilla/5.0 (Hydra)', 'attack_tool', 'hydra'],
    ['gobuster/3.6', 'attack_tool', 'gobuster'],
    ['curl/8.5.0', 'library', 'curl'],
    ['python-requests/2.32.3', 'library', 'python-requests'],
    ['Python/3.12 aiohttp/3.9', 'library', 'python'],
    ['Go-http-client/2.0', 'library', 'go-http-client'],
    ['okhttp/4.12.0', 'library', 'okhttp'],
    ['Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 'crawler', 'googlebot'],
    ['ExampleShop/4.2.1 (iPhone; iOS 19.0; Scale/3.00)', 'other', undefined],
  ])('%s is %s', (text, kind, name) => {
    expect(classify(text)).toMatchObject({ kind, ...(name !== undefined && { name }) });
    expect(classify(text).name).toBe(name);
  });

  it.each([
    [chrome, 'chrome on linux'],
    [chrome.replace('141', '142'), 'chrome on linux'],
    [`${chrome} Edg/141.0`, 'edge on linux'],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1',
      'safari on ios',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0',
      'firefox on windows',
    ],
    ['ExampleShop/4.2.1 (iPhone; iOS 19.0)', 'exampleshop on ios'],
    ['curl/8.5.0', 'curl'],
    ['-', undefined],
  ])('%s is of the family %s', (text, family) => {
    expect(classify(text).family).toBe(family);
  });

  it('looks for names, not for their letters in other words', () => {
    expect(classify(`${chrome} Hydrangea/1.0`).kind).toBe('browser');
    expect(classify(`${chrome} Zapier`).kind).not.toBe('attack_tool');
  });

  it('looks at the beginning of what is longer than any user agent', () => {
    expect(classify(`${chrome}${' '.repeat(2000)}sqlmap/1.8`).kind).toBe('browser');
  });

  it('says the same again, also when many others have come in between', () => {
    const before = classify('curl/8.5.0');
    for (let n = 0; n < 5000; n++) classify(`ExampleShop/${n}`);
    expect(classify('curl/8.5.0')).toEqual(before);
  });
});

describe('patterns of other projects', () => {
  it('are all understood by an engine without backtracking', () => {
    expect(() => new BotPatterns(list)).not.toThrow();
    expect(() => new NamedPatterns(crawlers.map(({ pattern }) => pattern))).not.toThrow();
  });

  it('find what isbot finds', () => {
    const patterns = new BotPatterns(list);
    const texts = crawlers.flatMap(({ instances }) => instances);
    expect(texts.length).toBeGreaterThan(1000);
    const others = [
      chrome,
      'google',
      'google pixel',
      'googleapp google',
      'javax',
      'java;',
      'news',
      'newsapphire',
      ' cubot',
    ];
    expect([...texts, ...others].filter((text) => patterns.test(text) !== isbot(text))).toEqual([]);
  });
});

describe.skipIf(isAbsent)('labelled user agents (skipped where the shared folder is absent)', () => {
  it('are told apart: at least 97 % of bots, at most 0.5 % of browsers', () => {
    const classify = agentClassifier();
    const labelled = records<{ readonly ua: string; readonly bot: boolean }>('06-user-agents/labelled.jsonl');
    const shareOf = (isBot: boolean): number => {
      const own = labelled.filter(({ bot }) => bot === isBot);
      return own.filter(({ ua }) => automatedKinds.has(classify(ua).kind)).length / own.length;
    };
    expect(shareOf(true)).toBeGreaterThanOrEqual(0.97);
    expect(shareOf(false)).toBeLessThanOrEqual(0.005);
  });
});
