import { isProviderErrorCode, type ProviderErrorCode } from '../../contract/provider-error.js';

/** What the demo will do, in this order. */
export type DemoStep =
  | { readonly type: 'reasoning'; readonly text: string }
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool-call'; readonly name: string; readonly input: string }
  | { readonly type: 'fail'; readonly code: ProviderErrorCode }
  | { readonly type: 'truncate' }
  | { readonly type: 'stall' }
  /** For the pieces that follow. */
  | { readonly type: 'delay'; readonly milliseconds: number };

type Command = (words: readonly string[]) => readonly DemoStep[] | undefined;

const maxWords = 100_000;
const maxDelayMs = 60_000;

/** What a line of the user's message can ask for; `demoCommandHelp` says it to people. */
const commands: Readonly<Record<string, Command>> = {
  '/reason': () => [{ type: 'reasoning', text: 'First I look at the question. Then I answer it. ' }],
  '/tool': ([name = 'demo_tool', ...rest]) => [
    { type: 'tool-call', name, input: JSON.stringify({ query: rest.join(' ') }) },
  ],
  '/fail': ([code = 'unknown']) => (isProviderErrorCode(code) ? [{ type: 'fail', code }] : undefined),
  '/fail-after': ([count, code = 'unknown']) => {
    const words = toNumber(count, maxWords);
    if (words === undefined || !isProviderErrorCode(code)) return undefined;
    return [numberedWords(words), { type: 'fail', code }];
  },
  '/truncate': ([count = '3']) => {
    const words = toNumber(count, maxWords);
    return words === undefined ? undefined : [numberedWords(words), { type: 'truncate' }];
  },
  '/stall': () => [{ type: 'stall' }],
  '/long': ([count = '500']) => {
    const words = toNumber(count, maxWords);
    return words === undefined ? undefined : [numberedWords(words)];
  },
  '/delay': ([count]) => {
    const milliseconds = toNumber(count, maxDelayMs);
    return milliseconds === undefined ? undefined : [{ type: 'delay', milliseconds }];
  },
};

const demoCommandHelp = [
  '`/reason` thinks first',
  '`/tool <name> <query>` calls a tool',
  '`/long <words>` answers at length',
  '`/delay <ms>` waits that long before each word',
  '`/fail <code>` fails at once',
  '`/fail-after <words> <code>` fails later',
  '`/truncate <words>` breaks off',
  '`/stall` says nothing more',
].join(', ');

/** The steps for one user message: those that its lines ask for, then an answer to the rest of it. */
export function planDemo(message: string): readonly DemoStep[] {
  const steps: DemoStep[] = [];
  const text: string[] = [];
  for (const line of message.split('\n')) {
    const [name = '', ...words] = line.trim().split(/\s+/);
    const asked = Object.hasOwn(commands, name) ? commands[name]?.(words) : undefined;
    if (asked === undefined) text.push(line);
    else steps.push(...asked);
  }
  const rest = text.join('\n').trim();
  return [...steps, ...answer(rest, steps)];
}

/** A tool call ends the turn; a message of nothing but commands that speak needs no answer beside. */
function answer(text: string, steps: readonly DemoStep[]): readonly DemoStep[] {
  if (steps.some(({ type }) => type === 'tool-call')) return [];
  if (text === '' && steps.some(({ type }) => type === 'text')) return [];
  const said = text === '' ? '' : `You said: ${text}\n\n`;
  return [
    {
      type: 'text',
      text: `This is the demo model of Parley: it repeats what it is told and knows nothing. ${said}It also does as it is told: ${demoCommandHelp}.`,
    },
  ];
}

function numberedWords(count: number): DemoStep {
  const text = Array.from({ length: count }, (_, index) => `word${index + 1} `).join('');
  return { type: 'text', text };
}

function toNumber(word: string | undefined, max: number): number | undefined {
  return word !== undefined && /^\d{1,6}$/.test(word) && Number(word) <= max ? Number(word) : undefined;
}
