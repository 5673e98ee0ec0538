import { parseSetCookie } from 'cookie';

type Init = Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> };

/** A browser as far as cookies go: one jar per origin and path, and redirects that wait to be followed. */
export class Browser {
  /** By `origin + path`. */
  private readonly jars = new Map<string, Map<string, string>>();

  constructor(readonly home: string) {}

  /** What our own page at home would send: cookies, and a same-origin mark on everything. */
  fetch(path: string, init: Init = {}): Promise<Response> {
    return this.navigate(new URL(path, this.home).href, {
      ...init,
      headers: { 'Sec-Fetch-Site': 'same-origin', ...init.headers },
    });
  }

  /** Sends a request with the cookies of its origin and path, and keeps those of the answer. */
  async navigate(url: string, init: Init = {}): Promise<Response> {
    const { origin, pathname } = new URL(url);
    const cookie = [...this.jars]
      .filter(([scope]) => scope.startsWith(origin) && pathname.startsWith(scope.slice(origin.length)))
      .flatMap(([, jar]) => [...jar].map(([name, value]) => `${name}=${value}`))
      .join('; ');
    const response = await fetch(url, {
      redirect: 'manual',
      ...init,
      headers: { ...(cookie === '' ? {} : { Cookie: cookie }), ...init.headers },
    });
    for (const line of response.headers.getSetCookie()) this.keep(line, origin);
    return response;
  }

  /** The cookies for a path at home: live, so that tests can plant and remove them. */
  jar(path = '/'): Map<string, string> {
    return this.jarOf(new URL(this.home).origin + path);
  }

  private keep(setCookie: string, origin: string): void {
    const { name, value = '', path = '/', maxAge, expires } = parseSetCookie(setCookie);
    const jar = this.jarOf(origin + path);
    const isOver = maxAge === 0 || (expires !== undefined && expires.getTime() <= Date.now());
    if (isOver) jar.delete(name);
    else jar.set(name, value);
  }

  private jarOf(scope: string): Map<string, string> {
    const jar = this.jars.get(scope) ?? new Map<string, string>();
    this.jars.set(scope, jar);
    return jar;
  }
}
