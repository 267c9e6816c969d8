import { describe, expect, it } from 'vitest';
import { compileIgnore } from './policy.ts';

describe('paths to ignore', () => {
  const isIgnored = compileIgnore(['/healthz', '/assets/*']);

  it.each([
    '/healthz',
    '/assets/',
    '/assets/app.js',
    '/assets/.well-known/x',
    '/assets/a..b/..c/d..',
    '/assets/%40scope/...',
    '/assets/app;v=1.js',
  ])('are those that are named and what begins as named: %s', (path) => {
    expect(isIgnored(path)).toBe(true);
  });

  it.each([
    '/healthz/',
    '/HEALTHZ',
    '/assets',
    '/',
    '',
    '*',
    '//assets/x',
    '/x/assets/',
    'http://app/assets/x',
  ])('are no others: %s', (path) => {
    expect(isIgnored(path)).toBe(false);
  });

  it.each([
    ...[
      '/assets/../admin',
      '/assets/./admin',
      '/assets/..',
      '/assets/.',
      '/assets/x/../../admin',
      '/assets//admin',
    ],
    ...[
      '/assets/%2e%2e/admin',
      '/assets/%2E./admin',
      '/assets/.%2e',
      '/assets/%252e%252e/admin',
      '/assets/%25252e/x',
    ],
    ...[
      '/assets/..%2fadmin',
      '/assets/x%2Fadmin',
      '/assets/x%252fadmin',
      '/assets/x%5cadmin',
      '/assets/x\\admin',
    ],
    ...['/assets/..;/admin', '/assets/..;a=b/admin', '/assets/..%3b/admin'],
  ])('are none of which somebody else may make another path: %s', (path) => {
    expect(isIgnored(path)).toBe(false);
    expect(compileIgnore(['/*'])(path)).toBe(false);
  });

  it.each(['assets', 'assets/*', '/a/*/b', '*', ''])('cannot be named as %j', (path) => {
    expect(() => compileIgnore([path])).toThrow(expect.objectContaining({ code: 'invalid_configuration' }));
  });
});
