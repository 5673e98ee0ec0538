import { parseSetCookie } from 'cookie';

type Init = Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> };

/** A browser as far as cookies go: one jar per origin, and redirects that wait to be followed. */
export class Browser {
  private readonly jars = new Map<string, Map<string, string>>();

  constructor(readonly home: string) {}

  /** What our own page at home would send: cookies, and a same-origin mark on everything. */
  fetch(path: string, init: Init = {}): Promise<Response> {
    return this.navigate(new URL(path, this.home).href, {
      ...init,
      headers: { 'Sec-Fetch-Site': 'same-origin', ...init.headers },
    });
  }

  /** Sends a request with the cookies of its origin and keeps those of the answer. */
  async navigate(url: string, init: Init = {}): Promise<Response> {
    const jar = this.jar(url);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      redirect: 'manual',
      ...init,
      headers: { ...(cookie === '' ? {} : { Cookie: cookie }), ...init.headers },
    });
    for (const line of response.headers.getSetCookie()) {
      const { name, value = '', maxAge, expires } = parseSetCookie(line);
      const isOver = maxAge === 0 || (expires !== undefined && expires.getTime() <= Date.now());
      if (isOver) jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }

  /** The cookies of home, or of the origin of a URL: live, so that tests can plant and remove them. */
  jar(url: string = this.home): Map<string, string> {
    const { origin } = new URL(url);
    const jar = this.jars.get(origin) ?? new Map<string, string>();
    this.jars.set(origin, jar);
    return jar;
  }
}
