import OpenAI from 'openai';
import type { ScriptedUpstream } from '../../bench/upstream/scripted-upstream.js';
import type { EmbeddedValues } from '../../src/config/registry.js';
import { createConnection } from './connections.js';
import { Parley, type Person } from './parley.js';
import { connectVendors, issueToken } from './programs.js';

/** Of OpenAI: one that reasons and one that does not. */
export const openAi = { thinker: 'gpt-5.6', talker: 'gpt-4.1' } as const;

export const weather = {
  type: 'function',
  name: 'get_weather',
  description: 'The weather',
  parameters: { type: 'object', properties: { location: { type: 'string' } } },
  strict: false,
} as const satisfies OpenAI.Responses.FunctionTool;

/** A Parley in front of a scripted upstream that is OpenAI, Anthropic, Google and a compatible server, asked by the stock client. */
export class ResponsesDoor {
  private constructor(
    readonly parley: Parley,
    readonly ada: Person,
    readonly client: OpenAI,
  ) {}

  static async open(settings: EmbeddedValues = {}): Promise<ResponsesDoor> {
    const parley = await Parley.start({ 'generation.maxAttempts': 1, ...settings });
    const ada = await parley.first.logIn('ada', { groups: ['admins'] });
    await connectVendors(parley, ada);
    const models = Object.values(openAi);
    await createConnection(ada, {
      kind: 'openai',
      baseUrl: parley.upstream.url,
      credential: 'sk-openai',
      models,
    });
    return new ResponsesDoor(parley, ada, clientOf(parley.first.url, (await issueToken(ada)).token));
  }

  get upstream(): ScriptedUpstream {
    return this.parley.upstream;
  }

  /** The client of somebody else, or with a token of other rights. */
  async clientOf(person: Person, fields: Readonly<Record<string, unknown>> = {}): Promise<OpenAI> {
    return clientOf(this.parley.first.url, (await issueToken(person, fields)).token);
  }

  /** The body of a request to a vendor. @param index negative counts from the last */
  sent(index = -1): Record<string, unknown> {
    return JSON.parse(this.upstream.requests.at(index)?.body ?? '') as Record<string, unknown>;
  }

  stop(): Promise<void> {
    return this.parley.stop();
  }
}

export function clientOf(url: string, apiKey: string): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${url}/v1`, maxRetries: 0, logLevel: 'off' });
}

/** What a refused call was refused with. */
export async function refusalOf(work: Promise<unknown>): Promise<unknown> {
  const error = await work.then(
    () => 'it was not refused',
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof OpenAI.APIError)) throw error;
  return { status: error.status as unknown, code: error.code, param: error.param };
}
