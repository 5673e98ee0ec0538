import { createHash } from 'node:crypto';
import type { DevelopmentPerson } from './development-people.js';

/** A complete HTML page without scripts, and the headers it is sent with. */
export interface Page {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

const style = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
  main { max-width: 26rem; margin: 10vh auto; padding: 0 1rem; }
  h1 { font-size: 1.4rem; }
  ul { list-style: none; padding: 0; }
  button { width: 100%; margin: 0.25rem 0; padding: 0.75rem 1rem; font: inherit; text-align: start; cursor: pointer; }
  button:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
  small { display: block; }
`;

const styleHash = createHash('sha256').update(style).digest('base64');

/** The pages of the development identity provider, for relying parties at `origins`. */
export class IdentityPages {
  private readonly headers: Readonly<Record<string, string>>;

  constructor(origins: readonly string[]) {
    // Browsers hold the redirects after a form against form-action too.
    const formTargets = ["'self'", ...new Set(origins)].join(' ');
    const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; form-action ${formTargets}; base-uri 'none'; frame-ancestors 'none'`;
    this.headers = {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    };
  }

  chooser(people: readonly DevelopmentPerson[]): Page {
    const choices = people.map(
      ({ sub, name, email, role }) =>
        `<li><button name="person" value="${sub}">${name} <small>${email}, ${role.replace('_', ' ')}</small></button></li>`,
    );
    return this.page(
      'Who are you?',
      `<p>This is the development identity provider of Parley: no password, on this machine only.</p>
      <form method="post"><ul>${choices.join('')}</ul></form>`,
    );
  }

  /** @param form what oidc-provider has to receive, as HTML of a form with the id op.logoutForm */
  logout(form: string): Page {
    return this.page(
      'Log out?',
      `${form}<button type="submit" form="op.logoutForm" name="logout" value="yes">Log out</button>`,
    );
  }

  loggedOut(): Page {
    return this.page('You are logged out', '<p>You can close this page.</p>');
  }

  failure(explanation: string): Page {
    return this.page(
      'That did not work',
      `<p>${escape(explanation)}</p><p>Go back to Parley and try again.</p>`,
    );
  }

  private page(title: string, body: string): Page {
    const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${title}</title>
    <style>${style}</style>
  </head>
  <body>
    <main>
      <h1>${title}</h1>
      ${body}
    </main>
  </body>
</html>
`;
    return { html, headers: this.headers };
  }
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${String(character.codePointAt(0))};`);
}
