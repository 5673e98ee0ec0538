import type {
  AssistantPart,
  GenerateMessage,
  ImagePart,
  ReasoningPart,
  ToolCallPart,
  ToolResultPart,
  UserPart,
} from '../../contract/generate-request.js';
import { textOf } from '../../contract/text-of.js';
import { isRecord } from '../../json-shape.js';
import type { ModelRules } from './google-models.js';
import { invalid, unsupported } from './refusals.js';
import type { Content, FunctionResponse, Part } from './wire.js';

/**
 * For calls that come from another model, or through a door that has no place for signatures: without it newer models refuse the
 * whole conversation. https://ai.google.dev/gemini-api/docs/thought-signatures#faqs
 */
const signatureOfOthers = 'skip_thought_signature_validator';

/** https://ai.google.dev/gemini-api/docs/image-understanding#supported-formats */
const mediaTypes: ReadonlyMap<string, string> = new Map([
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['webp', 'image/webp'],
  ['heic', 'image/heic'],
  ['heif', 'image/heif'],
]);

interface Turn {
  readonly from: GenerateMessage['role'];
  readonly parts: Part[];
}

/**
 * A conversation as turns of `user` and `model`. The results of parallel calls are one turn, as the calls are. Turns in which nobody
 * says anything are left out, because the API refuses them. https://ai.google.dev/gemini-api/docs/generate-content/function-calling
 * @throws ProviderError unsupported, or invalid_request for the result of a call that nobody made
 */
export function toContents(messages: readonly GenerateMessage[], rules: ModelRules): readonly Content[] {
  const turns: Turn[] = [];
  /** What the calls so far were named: the API wants to be told with each result. */
  const names = new Map<string, string>();
  for (const message of messages) {
    const parts = toParts(message, names, rules);
    const last = turns.at(-1);
    if (parts.length === 0) continue;
    if (last?.from === message.role) last.parts.push(...parts);
    else turns.push({ from: message.role, parts });
  }
  return turns.map(({ from, parts }) => ({ role: from === 'assistant' ? 'model' : 'user', parts }));
}

function toParts(message: GenerateMessage, names: Map<string, string>, rules: ModelRules): Part[] {
  switch (message.role) {
    case 'user':
      return toUserParts(message.parts, rules);
    case 'assistant':
      for (const part of message.parts) if (part.type === 'tool-call') names.set(part.id, part.name);
      return toModelParts(message.parts, rules);
    case 'tool':
      return message.parts.map((part) => ({ functionResponse: toFunctionResponse(part, names, rules) }));
  }
}

function toUserParts(parts: readonly UserPart[], rules: ModelRules): Part[] {
  return parts.flatMap((part): Part[] => {
    if (part.type === 'image') return [toImage(part, rules)];
    return part.text === '' ? [] : [{ text: part.text }];
  });
}

/** Of parallel calls the first one has the signature: https://ai.google.dev/gemini-api/docs/thought-signatures#parallel */
function toModelParts(parts: readonly AssistantPart[], rules: ModelRules): Part[] {
  const firstCall = parts.find((part) => part.type === 'tool-call');
  return parts.flatMap((part): Part[] => {
    switch (part.type) {
      case 'text':
        return part.text === '' ? [] : [{ text: part.text }];
      case 'reasoning':
        return toThought(part);
      case 'tool-call':
        return [
          toFunctionCall(part, rules.signedCalls && part === firstCall ? signatureOfOthers : undefined),
        ];
    }
  });
}

/** A signature without text stood in an empty part after the text that it is of. Thoughts without one mean nothing to the vendor. */
function toThought({ text, signature }: ReasoningPart): Part[] {
  if (signature === undefined) return [];
  return [{ text, ...(text === '' ? {} : { thought: true }), thoughtSignature: signature }];
}

function toFunctionCall({ id, name, input, signature }: ToolCallPart, otherwise: string | undefined): Part {
  const thoughtSignature = signature ?? otherwise;
  return {
    functionCall: { id, name, args: toArguments(input) },
    ...(thoughtSignature === undefined ? {} : { thoughtSignature }),
  };
}

/** The API wants an object; what is none is shown to the model as what it wrote. */
function toArguments(input: string): Readonly<Record<string, unknown>> {
  if (input === '') return {};
  try {
    const value: unknown = JSON.parse(input);
    if (isRecord(value)) return value;
  } catch {
    // What follows is for this, too.
  }
  return { INVALID_JSON: input };
}

/** https://ai.google.dev/api/caching#FunctionResponse: `output` and `error` are the API's own words. */
function toFunctionResponse(
  { callId, output, isError }: ToolResultPart,
  names: ReadonlyMap<string, string>,
  rules: ModelRules,
): FunctionResponse {
  const name = names.get(callId);
  if (name === undefined) throw invalid('messages.parts.callId');
  const images = typeof output === 'string' ? [] : output.filter((part) => part.type === 'image');
  return {
    id: callId,
    name,
    response: { [isError === true ? 'error' : 'output']: textOf(output) },
    ...(images.length === 0 ? {} : { parts: images.map((image) => toImage(image, rules)) }),
  };
}

/** Of URLs the API fetches https ones, and what was registered of Google's storage: see `rulesOf`. */
function toImage({ source }: ImagePart, { fetchesUrls }: ModelRules): Pick<Part, 'inlineData' | 'fileData'> {
  if (source.type === 'base64') return { inlineData: { mimeType: source.mediaType, data: source.data } };
  const url = URL.parse(source.url);
  if (!fetchesUrls || url === null || !['https:', 'gs:'].includes(url.protocol)) {
    throw unsupported('messages.parts.source');
  }
  const mimeType = mediaTypes.get(/\.(\w+)$/.exec(url.pathname)?.[1]?.toLowerCase() ?? '');
  return { fileData: { fileUri: source.url, ...(mimeType === undefined ? {} : { mimeType }) } };
}
