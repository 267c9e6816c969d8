/** Longest that the shop may take for an answer. */
const timeoutMs = 30_000;

/** An answer of the shop, read to its end. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Someone with a browser (or a script), an address and a cookie, who sends requests to the shop. */
export class Visitor {
  readonly #shopUrl: string;
  readonly #signal: AbortSignal;
  readonly #headers: Readonly<Record<string, string>>;
  #cookie: string | undefined;

  constructor(
    shopUrl: string,
    who: { readonly ip: string; readonly userAgent: string },
    signal: AbortSignal,
  ) {
    this.#shopUrl = shopUrl;
    this.#signal = signal;
    // The shop sees this process as a proxy that it trusts, and the address as that of the proxy's client.
    this.#headers = { 'user-agent': who.userAgent, 'x-forwarded-for': who.ip };
  }

  async send(method: string, path: string, body?: object): Promise<Answer> {
    const response = await fetch(this.#shopUrl + path, {
      method,
      headers: {
        ...this.#headers,
        ...(this.#cookie !== undefined && { cookie: this.#cookie }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.any([this.#signal, AbortSignal.timeout(timeoutMs)]),
    });
    const cookie = response.headers.getSetCookie()[0]?.split(';', 1)[0];
    if (cookie !== undefined) this.#cookie = cookie;
    return { status: response.status, body: await response.text() };
  }

  /** @returns the id of the user, or undefined when the password is wrong */
  async signIn(email: string, password: string): Promise<string | undefined> {
    const { status, body } = await this.send('POST', '/session', { email, password });
    return status === 200 ? (JSON.parse(body) as { id: string }).id : undefined;
  }

  async signOut(): Promise<void> {
    await this.send('DELETE', '/session');
  }
}
