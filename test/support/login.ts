import { Browser } from './browser.js';

/** Goes where a response sends the browser, to the first page that is none: answers its URL too. */
export async function follow(browser: Browser, url: string): Promise<{ url: string; response: Response }> {
  for (let hops = 0; hops < 10; hops++) {
    const response = await browser.navigate(url);
    const location = response.headers.get('location');
    if (location === null) return { url, response };
    url = new URL(location, url).href;
  }
  throw new Error(`too many redirects, the last one to ${url}`);
}

/** Chooses a person on the page of the development identity provider and answers where that sends the browser. */
export async function choose(browser: Browser, pageUrl: string, person: string): Promise<string> {
  const response = await browser.navigate(pageUrl, { method: 'POST', body: new URLSearchParams({ person }) });
  const resume = new URL(response.headers.get('location') ?? '', pageUrl).href;
  const resumed = await browser.navigate(resume);
  return new URL(resumed.headers.get('location') ?? '', resume).href;
}

/**
 * Logs a person of the development identity provider in over HTTP, through both servers, as a browser would.
 * @param home public URL of Parley
 * @param person `ada` (admin), `paul` (power user), `uma` (user) or `gus` (guest)
 */
export async function logIn(home: string, person: string): Promise<Browser> {
  const browser = new Browser(home);
  const page = await follow(browser, new URL('/app/login', home).href);
  const done = await browser.navigate(await choose(browser, page.url, person));
  if (done.status !== 302) throw new Error(`${person} cannot log in: ${await done.text()}`);
  return browser;
}
