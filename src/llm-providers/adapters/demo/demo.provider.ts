import { setTimeout } from 'node:timers/promises';
import type { EmbedRequest, EmbedResult } from '../../contract/embed.js';
import type { FinishReason, GenerateEvent, TokenUsage } from '../../contract/generate-event.js';
import type { GenerateRequest } from '../../contract/generate-request.js';
import type { ModelInfo } from '../../contract/model-info.js';
import type { CallContext, ModelProvider } from '../../contract/model-provider.js';
import type { OptionRules } from '../../contract/option-rules.js';
import { ProviderError, type ProviderErrorCode } from '../../contract/provider-error.js';
import { textOf } from '../../contract/text-of.js';
import { demoEmbedding } from './demo-embedding.js';
import { type DemoStep, planDemo } from './demo-plan.js';
import { countInputTokens, demoTokens } from './demo-tokens.js';

const chat = {
  provider: 'demo',
  contextLength: 32_768,
  maxOutputTokens: 16_384,
  temperature: { min: 0, max: 2, step: 0.1, default: 1 },
} as const;

const models: readonly ModelInfo[] = [
  { ...chat, id: 'demo', name: 'Demo', capabilities: ['chat', 'tools'] },
  {
    ...chat,
    id: 'demo-reasoning',
    name: 'Demo, thinking aloud',
    capabilities: ['chat', 'reasoning', 'tools'],
  },
  { ...chat, id: 'demo-embedding', name: 'Demo embedding', capabilities: ['embeddings'] },
];

/** About the pace of a fast vendor. */
const defaultTokenDelayMs = 20;

/**
 * Needs no vendor and says so: answers deterministically, for the first run, the tests and the benchmarks. Lines of
 * the user's message that start with a command of demo-plan.ts make it reason, call a tool, fail, stall or break off.
 * The connection's option `tokenDelayMs` sets the time before each word. Temperature, stop and tools are ignored.
 */
export class DemoProvider implements ModelProvider {
  readonly kind = 'demo';
  readonly connectionOptions: OptionRules = {
    tokenDelayMs: (value) => typeof value === 'number' && value >= 0,
  };

  constructor(private readonly options: { readonly tokenDelayMs?: number } = {}) {}

  verify({ signal }: CallContext): Promise<void> {
    signal.throwIfAborted();
    return Promise.resolve();
  }

  listModels(): Promise<readonly ModelInfo[]> {
    return Promise.resolve(models);
  }

  /** A model that the operator named otherwise behaves like `demo`. */
  describeModel(id: string): ModelInfo {
    return (
      models.find((model) => model.id === id) ?? { ...chat, id, name: id, capabilities: ['chat', 'tools'] }
    );
  }

  stream(request: GenerateRequest, call: CallContext): AsyncIterable<GenerateEvent> {
    return new DemoAnswer(request, call, this.tokenDelayMs(call)).events();
  }

  embed({ inputs, dimensions }: EmbedRequest): Promise<EmbedResult> {
    if (dimensions !== undefined) {
      return Promise.reject(
        new ProviderError({ provider: 'demo', code: 'unsupported', param: 'dimensions' }),
      );
    }
    return Promise.resolve({
      vectors: inputs.map(demoEmbedding),
      inputTokens: inputs.reduce((sum, input) => sum + demoTokens(input).length, 0),
    });
  }

  countTokens(request: GenerateRequest): Promise<number> {
    return Promise.resolve(countInputTokens(request));
  }

  private tokenDelayMs({ connection }: CallContext): number {
    const option = connection.options?.['tokenDelayMs'];
    return typeof option === 'number' ? option : (this.options.tokenDelayMs ?? defaultTokenDelayMs);
  }
}

class DemoAnswer {
  private started = false;
  private reason: FinishReason = 'stop';
  private outputTokens = 0;
  private reasoningTokens = 0;
  private toolCalls = 0;

  constructor(
    private readonly request: GenerateRequest,
    private readonly call: CallContext,
    private delayMs: number,
  ) {}

  async *events(): AsyncGenerator<GenerateEvent, void, undefined> {
    this.call.signal.throwIfAborted();
    for (const step of planFor(this.request)) {
      if (this.isFull) break;
      for await (const event of this.perform(step)) {
        if (!this.started) yield { type: 'start', model: this.request.model };
        this.started = true;
        yield event;
      }
    }
    if (!this.started) yield { type: 'start', model: this.request.model };
    const reason = this.isFull ? 'length' : this.reason;
    yield { type: 'finish', reason, rawReason: reason, usage: this.usage };
  }

  private async *perform(step: DemoStep): AsyncGenerator<GenerateEvent, void, undefined> {
    switch (step.type) {
      case 'text':
      case 'reasoning':
        return yield* this.speak(step.type, step.text);
      case 'tool-call':
        return yield* this.callTool(step.name, step.input);
      case 'delay':
        this.delayMs = step.milliseconds;
        return;
      case 'stall':
        await this.pause(this.call.connection.timeouts.idleMs);
        throw this.failure('timeout');
      case 'truncate':
        throw this.failure('invalid_response', this.started);
      case 'fail':
        throw this.failure(step.code);
    }
  }

  private async *speak(
    type: 'text' | 'reasoning',
    words: string,
  ): AsyncGenerator<GenerateEvent, void, undefined> {
    for (const text of demoTokens(words)) {
      if (this.isFull) return;
      await this.pause(this.delayMs);
      this.outputTokens += 1;
      if (type === 'reasoning') this.reasoningTokens += 1;
      yield { type, text };
    }
  }

  private async *callTool(name: string, input: string): AsyncGenerator<GenerateEvent, void, undefined> {
    // Unique in the conversation, and the same whenever the same is asked.
    const id = `call_demo_${this.request.messages.length}_${(this.toolCalls += 1)}`;
    yield { type: 'tool-call-start', id, name };
    for (const piece of demoTokens(input)) {
      await this.pause(this.delayMs);
      this.outputTokens += 1;
      yield { type: 'tool-call-delta', id, input: piece };
    }
    yield { type: 'tool-call-end', id };
    this.reason = 'tool_calls';
  }

  private get isFull(): boolean {
    return this.outputTokens >= (this.request.maxOutputTokens ?? Infinity);
  }

  private get usage(): TokenUsage {
    return {
      inputTokens: countInputTokens(this.request),
      outputTokens: this.outputTokens,
      ...(this.reasoningTokens === 0 ? {} : { reasoningTokens: this.reasoningTokens }),
    };
  }

  private failure(code: ProviderErrorCode, truncated = false): ProviderError {
    return new ProviderError({ provider: 'demo', code, truncated });
  }

  private async pause(milliseconds: number): Promise<void> {
    const { signal } = this.call;
    if (milliseconds > 0) await setTimeout(milliseconds, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}

function planFor({ model, messages }: GenerateRequest): readonly DemoStep[] {
  const last = messages.at(-1);
  if (last?.role === 'tool') {
    const output = last.parts.map((part) => textOf(part.output)).join('\n');
    return [{ type: 'text', text: `This is the demo model of Parley. The tool answered: ${output}` }];
  }
  const text = last?.role === 'user' ? textOf(last.parts) : '';
  return planDemo(model === 'demo-reasoning' ? `/reason\n${text}` : text);
}
