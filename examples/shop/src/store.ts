import { hashPasswordSync, type PasswordHash } from './passwords.ts';

export const roles = ['customer', 'support', 'admin'] as const;
export type Role = (typeof roles)[number];

export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly password: PasswordHash;
  role: Role;
}

export interface Order {
  readonly id: string;
  readonly customerId: string;
  readonly product: string;
  readonly quantity: number;
  readonly totalCents: number;
  status: 'paid' | 'refunded';
}

/** What the shop sells, with prices in cents. */
export const products: ReadonlyMap<string, number> = new Map([
  ['tea', 790],
  ['teapot', 3450],
  ['cup', 1250],
  ['kettle', 8900],
]);

export interface SamplePerson {
  readonly name: string;
  readonly email: string;
  readonly role: Role;
  readonly password: string;
}

/** The people of the sample data. Everyone's password is in plain sight: this is a sample, and not a shop. */
export const people: readonly SamplePerson[] = [
  { name: 'Ada', email: 'ada@shop.example.test', role: 'customer', password: 'correct horse ada' },
  { name: 'Ben', email: 'ben@shop.example.test', role: 'customer', password: 'correct horse ben' },
  { name: 'Chloe', email: 'chloe@shop.example.test', role: 'customer', password: 'correct horse chloe' },
  { name: 'Dinesh', email: 'dinesh@shop.example.test', role: 'support', password: 'correct horse dinesh' },
  { name: 'Grace', email: 'grace@shop.example.test', role: 'admin', password: 'correct horse grace' },
  // The weak one, which the attack of the sample traffic finds.
  { name: 'Olga', email: 'olga@shop.example.test', role: 'admin', password: 'sunshine1' },
] as const satisfies readonly { name: string; email: string; role: Role; password: string }[];

/** Everything is in memory and bounded: the oldest makes room. */
const maxUsers = 1000;
const maxOrders = 5000;

/** The shop's data. */
export class Store {
  readonly #usersById = new Map<string, User>();
  readonly #usersByEmail = new Map<string, User>();
  readonly #orders = new Map<string, Order>();
  #nextUser = 1;
  #nextOrder = 1001;

  /** A store with the sample people and two orders of each customer. */
  static withSampleData(): Store {
    const store = new Store();
    for (const { password, ...person } of people) {
      const user = store.addUser({ ...person, password: hashPasswordSync(password) });
      if (user?.role !== 'customer') continue;
      store.addOrder({ customerId: user.id, product: 'tea', quantity: 2 });
      store.addOrder({ customerId: user.id, product: 'cup', quantity: 4 });
    }
    return store;
  }

  /** Undefined when the address has an account, or there are too many. */
  addUser(user: Omit<User, 'id'>): User | undefined {
    if (this.#usersByEmail.has(user.email) || this.#usersById.size >= maxUsers) return undefined;
    const added: User = { ...user, id: `usr_${this.#nextUser++}` };
    this.#usersById.set(added.id, added);
    this.#usersByEmail.set(added.email, added);
    return added;
  }

  user(id: string): User | undefined {
    return this.#usersById.get(id);
  }

  userByEmail(email: string): User | undefined {
    return this.#usersByEmail.get(email);
  }

  users(): User[] {
    return [...this.#usersById.values()];
  }

  addOrder(order: Pick<Order, 'customerId' | 'product' | 'quantity'>): Order {
    const price = products.get(order.product) ?? 0;
    const id = `ord_${this.#nextOrder++}`;
    const added: Order = { ...order, id, totalCents: price * order.quantity, status: 'paid' };
    this.#orders.set(id, added);
    const [oldest] = this.#orders.keys();
    if (this.#orders.size > maxOrders && oldest !== undefined) this.#orders.delete(oldest);
    return added;
  }

  order(id: string): Order | undefined {
    return this.#orders.get(id);
  }

  orders(customerId?: string): Order[] {
    const all = [...this.#orders.values()];
    return customerId === undefined ? all : all.filter((order) => order.customerId === customerId);
  }
}
