/** Browsers by what only they say, those that say least behind those that are made of them. */
const browsers: readonly (readonly [mark: string, name: string])[] = [
  ['Edg/', 'edge'],
  ['EdgA/', 'edge'],
  ['EdgiOS/', 'edge'],
  ['OPR/', 'opera'],
  ['Vivaldi/', 'vivaldi'],
  ['YaBrowser/', 'yandex'],
  ['SamsungBrowser/', 'samsung'],
  ['FxiOS/', 'firefox'],
  ['Firefox/', 'firefox'],
  ['CriOS/', 'chrome'],
  ['Chrome/', 'chrome'],
  ['Safari/', 'safari'],
  ['Trident/', 'internet explorer'],
  ['MSIE ', 'internet explorer'],
];

/** Systems by what they call themselves, those first that also give the names of others. */
const systems: readonly (readonly [mark: string, name: string])[] = [
  ['Windows', 'windows'],
  ['Android', 'android'],
  ['iPhone', 'ios'],
  ['iPad', 'ipados'],
  ['CrOS', 'chromeos'],
  ['Mac OS X', 'macos'],
  ['Linux', 'linux'],
];

/**
 * What stays the same of a user agent from one version to the next: `firefox on windows`; of what is no browser the name
 * before the first slash. What changes it is another browser, another system, another program.
 */
export function familyOf(text: string): string {
  const system = nameIn(text, systems);
  const browser = nameIn(text, browsers) ?? (/^[^\s/(]+/.exec(text)?.[0] ?? 'unknown').toLowerCase();
  return system === undefined ? browser : `${browser} on ${system}`;
}

const nameIn = (text: string, marks: readonly (readonly [string, string])[]): string | undefined =>
  marks.find(([mark]) => text.includes(mark))?.[1];
