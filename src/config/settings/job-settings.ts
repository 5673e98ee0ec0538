import { setting, type Setting } from '../setting.js';
import { boolean, decimal, duration, integer, text } from '../value-types.js';

/** What is done in the background, and how. */
export const jobSettings = {
  'jobs.enabled': setting(boolean, {
    default: true,
    description: 'Whether this process works on jobs; some process has to. Jobs are added by all.',
  }),
  'jobs.concurrency': setting(integer({ minimum: 1, maximum: 100 }), {
    default: 2,
    description: 'Jobs of each kind that one process works on at the same time.',
  }),
  'jobs.pollIntervalMs': setting(duration({ minimum: 500, maximum: 60_000, unit: 'ms' }), {
    default: 2000,
    description: 'How often a process looks for jobs, in ms.',
  }),
  'jobs.retryDelayS': setting(duration({ minimum: 1, maximum: 3600, unit: 's' }), {
    default: 30,
    description: 'Wait before the first retry of a job, in s; it doubles for each further one.',
  }),
  'summaries.enabled': setting(boolean, {
    default: true,
    description: 'Whether long conversations are summarised without being asked to.',
  }),
  'summaries.contextShare': setting(decimal({ minimum: 0.01, maximum: 0.95 }), {
    default: 0.5,
    description:
      "Share of a model's context that what no summary covers may take before the conversation is summarised.",
  }),
  'summaries.model': setting(text, {
    description:
      "Model that summarises, for those who may use it; else, and when unset, the conversation's own.",
  }),
  'titles.model': setting(text, {
    description:
      'A small model that gives threads their titles, for those who may use it; else, and when unset, titles are the first words.',
  }),
} satisfies Readonly<Record<string, Setting>>;
