import { readFileSync } from 'node:fs';

/** What a vendor sent, from the `__fixtures__` of its adapter. */
export class Recordings {
  /** @param adapter its folder */
  constructor(private readonly adapter: string) {}

  bytes(name: string): Uint8Array {
    const folder = `../../src/llm-providers/adapters/${this.adapter}/__fixtures__/`;
    return readFileSync(new URL(folder + name, import.meta.url));
  }

  text(name: string): string {
    return Buffer.from(this.bytes(name)).toString();
  }

  json(name: string): unknown {
    return JSON.parse(this.text(name));
  }
}
