import Anthropic from '@anthropic-ai/sdk';
import { expect } from '@jest/globals';
import { ScriptedUpstream } from '../../bench/upstream/scripted-upstream.js';
import type { EmbeddedValues } from '../../src/config/registry.js';
import { eventually, Parley, type Person } from './parley.js';
import { issueToken } from './programs.js';
import type { UsageRow } from './usage-row.js';

/** The key of the connection to Anthropic: no program may ever see it. */
export const credentialCanary = 'sk-ant-credential-canary';

/** Of Anthropic. */
export const claude = 'claude-sonnet-4-6';
export const gemini = 'gemini-2.5-flash';
export const llama = 'llama3.2:3b';

/** A Parley whose vendors are all one scripted upstream, and a program that speaks to it with Anthropic's own client. */
export class AnthropicDoor {
  private constructor(
    readonly parley: Parley,
    /** All vendors. */
    readonly upstream: ScriptedUpstream,
    readonly admin: Person,
    readonly token: string,
  ) {}

  static async open(settings: EmbeddedValues = {}): Promise<AnthropicDoor> {
    const upstream = await ScriptedUpstream.start();
    const { url } = upstream;
    const parley = await Parley.start({
      'providers.compatible.baseUrl': url,
      'providers.anthropic.apiKey': credentialCanary,
      'providers.anthropic.baseUrl': url,
      'providers.anthropic.models': [claude],
      'providers.google.apiKey': 'google-key',
      'providers.google.baseUrl': url,
      'providers.google.models': [gemini],
      'providers.ollama.baseUrl': url,
      'providers.ollama.models': [llama],
      ...settings,
    });
    const admin = await parley.first.logIn('ada', { groups: ['admins'] });
    return new AnthropicDoor(parley, upstream, admin, (await issueToken(admin)).token);
  }

  async stop(): Promise<void> {
    await this.parley.stop();
    await this.upstream.stop();
  }

  get url(): string {
    return this.parley.first.url;
  }

  /** The stock client; it asks once, unless the options say otherwise. */
  client(options: ConstructorParameters<typeof Anthropic>[0] = {}): Anthropic {
    return new Anthropic({
      baseURL: this.url,
      apiKey: this.token,
      maxRetries: 0,
      logLevel: 'off',
      ...options,
    });
  }

  /** Without the client. */
  post(
    body: unknown,
    path = '/v1/messages',
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    return fetch(this.url + path, {
      method: 'POST',
      headers: { 'x-api-key': this.token, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  /** The records of all calls since the last time, when there are so many; never more. */
  async usage(count = 1): Promise<readonly UsageRow[]> {
    const rows = await eventually(async () => {
      const all = await this.parley.first.database.query<UsageRow[]>(
        'SELECT * FROM usage_records ORDER BY created_at, id',
      );
      return all.length >= count ? all : undefined;
    });
    await this.parley.first.database.query('DELETE FROM usage_records');
    expect(rows).toHaveLength(count);
    return rows;
  }

  /** The body of the last request that a vendor got. */
  sent(): Record<string, unknown> {
    return JSON.parse(this.upstream.requests.at(-1)?.body ?? '') as Record<string, unknown>;
  }
}
