import type { Scene } from './scene.ts';

/** The beginning of every list of passwords; the last one is that of the sample's weak account. */
const guesses = [
  '123456',
  'password',
  '12345678',
  'qwerty',
  'letmein',
  'dragon',
  'iloveyou',
  'admin123',
  'welcome1',
  'password1',
  'football',
  'monkey',
  'sunshine',
  'sunshine1',
] as const;

const script = 'python-requests/2.32.5';
const victim = 'olga@shop.example.test';
const exportsAtOnce = 6;

/**
 * An attack as logs see it: from one address, someone signs up, tries a door, guesses the password of an administrator,
 * gives the own account the role admin, and takes all data there is.
 *
 * @param number which attack this is, from 1: each has an address and an account of its own
 */
export async function attack(scene: Scene, number: number): Promise<void> {
  const { random, say, pause } = scene;
  const ip = `203.0.113.${random.integer(10, 250)}`;
  const own = {
    name: 'Mallory',
    email: `mallory${number}@mail.example.test`,
    password: `m4llory-${number}-pass`,
  };
  const mallory = scene.visitor({ ip, userAgent: script });

  await mallory.send('POST', '/accounts', own);
  const ownId = await mallory.signIn(own.email, own.password);
  const { status } = await mallory.send('GET', '/admin/users');
  say(`ATTACK from ${ip}: signs up as ${own.email}, and tries /admin/users: ${status}`);
  await pause();

  const thief = scene.visitor({ ip, userAgent: script });
  let attempts = 0;
  for (const password of guesses) {
    attempts++;
    if ((await thief.signIn(victim, password)) !== undefined) break;
  }
  say(`ATTACK from ${ip}: guesses passwords of ${victim}; number ${attempts} is right`);
  await pause();

  await thief.send('GET', '/admin/users');
  await thief.send('PUT', `/admin/users/${ownId}/role`, { role: 'admin' });
  say(`ATTACK from ${ip}: makes ${own.email} an admin`);
  await pause();

  for (let i = 0; i < exportsAtOnce; i++) {
    await mallory.send('GET', `/admin/exports/${i % 2 === 0 ? 'users' : 'orders'}.csv`);
  }
  say(`ATTACK from ${ip}: downloads users and orders, ${exportsAtOnce} times in a row`);
}
