import { people, products, type Role, type SamplePerson } from '../store.ts';
import type { Scene } from './scene.ts';
import type { Visitor } from './visitor.ts';

const browsers = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Mobile Safari/537.36',
] as const;

const reasons = ['arrived broken', 'wrong colour', 'ordered twice', 'came too late'] as const;
const productNames = [...products.keys()] as [string, ...string[]];

type Errand = (visitor: Visitor, scene: Scene) => Promise<string>;

/**
 * What people of each role come for. Some of it goes wrong, as it does every day. Refunds and exports are rare: here a day
 * passes in a minute, and who does much of either in a minute is told of.
 */
const errands: Readonly<Record<Role, readonly [Errand, ...Errand[]]>> = {
  customer: [order, order, look, lookAtOthers],
  support: [rarely(refund, look)],
  admin: [rarely(exportOrders, listUsers)],
};

/** One errand now and then, and mostly the other. */
function rarely(one: Errand, other: Errand): Errand {
  return (visitor, scene) => (scene.random.chance(0.05) ? one : other)(visitor, scene);
}

/** Everyone except the one whose password the attack finds: she is away. */
const visitors = people.filter((person) => person.name !== 'Olga') as [SamplePerson, ...SamplePerson[]];

/** One person comes, does something, and mostly signs out again. */
export async function everydayVisit(scene: Scene): Promise<void> {
  const { random } = scene;
  const person = random.pick(visitors);
  // Each has one address and one browser, from the ranges for documentation (RFC 5737).
  const number = people.indexOf(person);
  const visitor = scene.visitor({
    ip: number % 2 === 0 ? `192.0.2.${10 + number}` : `198.51.100.${10 + number}`,
    userAgent: browsers[number % browsers.length] ?? browsers[0],
  });
  await visitor.send('GET', '/products');
  if (random.chance(0.15)) await visitor.signIn(person.email, `${person.password}!`);
  await visitor.signIn(person.email, person.password);
  const done = await random.pick(errands[person.role])(visitor, scene);
  if (random.chance(0.7)) await visitor.signOut();
  scene.say(`${person.name} (${person.role}) ${done}`);
}

async function order(visitor: Visitor, { random }: Scene): Promise<string> {
  const product = random.pick(productNames);
  const quantity = random.integer(1, 6);
  const answer = await visitor.send('POST', '/orders', { product, quantity });
  return answer.status === 201 ? `orders ${quantity} × ${product}` : `cannot order ${product}`;
}

async function look(visitor: Visitor): Promise<string> {
  await visitor.send('GET', '/orders');
  return 'looks at orders';
}

async function lookAtOthers(visitor: Visitor, { random }: Scene): Promise<string> {
  const { status } = await visitor.send('GET', `/orders/ord_${random.integer(1001, 1006)}`);
  return status === 403 ? 'follows a link to the order of someone else, and is denied' : 'looks at an order';
}

async function refund(visitor: Visitor, { random }: Scene): Promise<string> {
  const { body } = await visitor.send('GET', '/orders');
  const orders = JSON.parse(body) as { id: string; status: string }[];
  const paid = orders.filter(({ status }) => status === 'paid').map(({ id }) => id);
  const id = paid[random.integer(0, Math.max(0, paid.length - 1))];
  if (id === undefined) return 'finds nothing to refund';
  await visitor.send('POST', `/orders/${id}/refund`, { reason: random.pick(reasons) });
  return `refunds ${id}`;
}

async function listUsers(visitor: Visitor): Promise<string> {
  await visitor.send('GET', '/admin/users');
  return 'looks through the users';
}

async function exportOrders(visitor: Visitor): Promise<string> {
  await visitor.send('GET', '/admin/exports/orders.csv');
  return 'exports the orders';
}
