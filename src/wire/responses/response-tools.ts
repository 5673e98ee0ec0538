import type {
  ResponseFormat,
  ToolChoice,
  ToolDefinition,
} from '../../llm-providers/contract/generate-request.js';
import { present } from '../../llm-providers/present.js';
import { invalid, type RequestFields, unsupported } from '../request-fields.js';

/** Of a tool that takes none. */
const noArguments = { type: 'object', properties: {} } as const;

interface Tools {
  readonly tools: readonly ToolDefinition[] | undefined;
  readonly toolChoice: ToolChoice | undefined;
}

/**
 * Functions alone: what else OpenAI calls a tool it runs itself, and not always for the one who asks.
 * @throws DomainError VALIDATION_FAILED, UNSUPPORTED_PARAMETER
 */
export function toTools(fields: RequestFields): Tools {
  const tools = (fields.objects('tools') ?? []).map(toTool);
  const chosen = choose(fields, tools);
  return { ...chosen, tools: chosen.tools?.length ? chosen.tools : undefined };
}

function toTool(tool: RequestFields): ToolDefinition {
  if (tool.requiredText('type') !== 'function') throw unsupported(tool.pathOf('type'));
  const definition = present({
    name: tool.requiredText('name'),
    description: tool.text('description'),
    inputSchema: tool.record('parameters') ?? noArguments,
    strict: tool.flag('strict') === true ? true : undefined,
  });
  tool.refuseRest();
  return definition;
}

function choose(fields: RequestFields, tools: readonly ToolDefinition[]): Tools {
  const choice = fields.value('tool_choice');
  if (choice === undefined) return { tools, toolChoice: undefined };
  if (typeof choice === 'string') {
    const type = fields.oneOf('tool_choice', ['none', 'auto', 'required']);
    const isUsual = type === 'auto' || (type === 'none' && tools.length === 0);
    return { tools, toolChoice: type === undefined || isUsual ? undefined : { type } };
  }
  const asked = fields.requiredObject('tool_choice');
  const chosen =
    asked.requiredText('type') === 'allowed_tools' ? amongAllowed(asked, tools) : theOne(asked, tools);
  asked.refuseRest();
  return chosen;
}

function theOne(asked: RequestFields, tools: readonly ToolDefinition[]): Tools {
  if (asked.text('type') !== 'function') throw unsupported(asked.pathOf('type'));
  return { tools, toolChoice: { type: 'tool', name: asked.requiredText('name') } };
}

/** What may not be called need not be told. */
function amongAllowed(asked: RequestFields, tools: readonly ToolDefinition[]): Tools {
  const names = (asked.objects('tools') ?? []).map((tool) => tool.requiredText('name'));
  const isRequired = asked.oneOf('mode', ['auto', 'required']) === 'required';
  return {
    tools: tools.filter(({ name }) => names.includes(name)),
    toolChoice: isRequired ? { type: 'required' } : undefined,
  };
}

/** @throws DomainError VALIDATION_FAILED, UNSUPPORTED_PARAMETER */
export function toTextFormat(fields: RequestFields): {
  readonly format: ResponseFormat | undefined;
  readonly verbosity: string | undefined;
} {
  const text = fields.object('text');
  const asked = text?.object('format');
  const format = asked === undefined ? undefined : toFormat(asked);
  // What a model does by itself.
  const verbosity = text?.oneOf('verbosity', ['low', 'medium', 'high']);
  text?.refuseRest();
  return { format, verbosity: verbosity === 'medium' ? undefined : verbosity };
}

function toFormat(asked: RequestFields): ResponseFormat | undefined {
  const type = asked.oneOf('type', ['text', 'json_object', 'json_schema']);
  if (type === undefined) throw invalid(asked.pathOf('type'), 'text or json_object or json_schema');
  const format = type === 'json_schema' ? toSchema(asked) : undefined;
  asked.refuseRest();
  return type === 'json_object' ? { type: 'json' } : format;
}

function toSchema(asked: RequestFields): ResponseFormat {
  return present({
    type: 'json-schema' as const,
    name: asked.requiredText('name'),
    description: asked.text('description'),
    schema: asked.requiredRecord('schema'),
    strict: asked.flag('strict'),
  });
}
