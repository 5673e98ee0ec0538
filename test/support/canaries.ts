import { randomBytes } from 'node:crypto';

/** Shorter ones would be found by chance, or are the empty values of cookies that are cleared. */
const shortest = 12;

/** Secrets that may turn up nowhere, and every form in which they could. */
export class Canaries {
  /** What each secret is, by the form to look for. */
  private readonly names = new Map<string, string>();

  /** A secret that nobody else has. No pattern of the scrubber knows it: what is found here was given away. */
  plant(name: string): string {
    return this.add(name, `cAnArY${randomBytes(15).toString('hex')}Zz`);
  }

  /** A secret that somebody made; of a JWT, its signature too. */
  add(name: string, secret: string): string {
    if (secret.length < shortest) return secret;
    for (const form of formsOf(secret)) this.names.set(form, name);
    const signature = /^eyJ[^.]*\.[^.]*\.([^.]{20,})$/.exec(secret)?.[1];
    if (signature !== undefined) this.add(name, signature);
    return secret;
  }

  /** The names of the secrets that the text holds, in whatever form. */
  in(text: string): string[] {
    return [...new Set([...this.names].filter(([form]) => text.includes(form)).map(([, name]) => name))];
  }
}

function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const encoded = encodeURIComponent(secret);
  return [
    secret,
    encoded,
    encodeURIComponent(encoded),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('hex'),
    ...[0, 1, 2].flatMap((offset) => [within(bytes, offset, 'base64'), within(bytes, offset, 'base64url')]),
  ];
}

/** What stands in the encoding of any text that holds the bytes at this offset modulo 3. */
function within(bytes: Buffer, offset: number, encoding: 'base64' | 'base64url'): string {
  const first = Math.ceil((offset * 8) / 6);
  const end = Math.floor(((offset + bytes.length) * 8) / 6);
  return Buffer.concat([Buffer.alloc(offset), bytes])
    .toString(encoding)
    .slice(first, end);
}
