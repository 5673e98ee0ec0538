import { describe, expect, it } from '@jest/globals';
import type { Context } from '../messages/context.js';
import type { ContextService } from '../messages/context.service.js';
import { ScriptedModels } from './__fixtures__/scripted-models.js';
import { GenerationPlan } from './generation-plans.js';

const earlier = { messages: [], isWhole: true, summary: undefined };

/** What is asked when the context of the target is each of these in turn. */
function planned(...contexts: (Context | Error)[]): ReturnType<GenerationPlan['ask']> {
  const route = new ScriptedModels().route(['test']);
  const assembling: Pick<ContextService, 'assemble'> = {
    assemble: async () => {
      const context = contexts.shift();
      if (context === undefined) throw new Error('assembled too often');
      if (context instanceof Error) throw context;
      return Promise.resolve(context);
    },
  };
  const rooms = route.targets.map((target) => {
    const newest = { content: 'Hi', systemPrompt: undefined };
    return [target, { model: target.model, newest, tokens: 100, taken: undefined }] as const;
  });
  const wish = { modelId: 'test', content: 'Hi' };
  return new GenerationPlan(route, wish, new Map(rooms), assembling as ContextService).ask(earlier);
}

const whole: Context = { messages: [], hasGap: false };

describe('what a target is asked', () => {
  it('is made up once, and again only when that failed', async () => {
    const { route, requestOf } = planned(new Error('away'), whole);
    const [target] = route.targets;
    if (target === undefined) throw new Error('no target');
    await expect(requestOf(target)).rejects.toThrow('away');
    const request = await requestOf(target);
    expect(request).toMatchObject({ model: 'test', messages: [] });
    expect(await requestOf(target)).toBe(request);
  });

  it.each([true, false])('says whether it has a gap: %s', async (hasGap) => {
    const call = planned({ ...whole, hasGap });
    expect(call.hasGap()).toBe(false);
    for (const target of call.route.targets) await call.requestOf(target);
    expect(call.hasGap()).toBe(hasGap);
  });
});
