import type { ModelCapability, ModelInfo, TemperatureRange } from '../../contract/model-info.js';
import type { JsonObject } from '../../json-shape.js';

/** https://docs.ollama.com/modelfile#valid-parameters-and-values */
const temperature: TemperatureRange = { min: 0, max: 2, step: 0.1, default: 0.8 };

/** The words of https://docs.ollama.com/api-reference/show-model-details, `capabilities`; others are not for chatting. */
const capabilitiesByWord: ReadonlyMap<unknown, readonly ModelCapability[]> = new Map<
  unknown,
  readonly ModelCapability[]
>([
  // `format` holds any model to a schema: https://docs.ollama.com/capabilities/structured-outputs
  ['completion', ['chat', 'structured_output']],
  ['thinking', ['reasoning']],
  ['tools', ['tools']],
  ['vision', ['images']],
  ['embedding', ['embeddings']],
]);

/** The embedding models of https://ollama.com/search?c=embedding, as far as their names have something in common. */
const embeddingNames = /embed|(?:^|\/)(?:bge|all-minilm|paraphrase)/i;

/** A model by its name alone. */
export function describeModel(id: string): ModelInfo {
  const capabilities: readonly ModelCapability[] = embeddingNames.test(id)
    ? ['embeddings']
    : ['chat', 'tools', 'structured_output'];
  return { id, name: id, provider: 'ollama', capabilities, temperature };
}

/** The name of a model in the lists of /api/tags and /api/ps; older servers have only `name`. */
export function nameOf(model: JsonObject): string {
  return model.text('model') ?? model.requiredText('name');
}

/**
 * A model of the list by its entry alone: https://docs.ollama.com/api/tags
 * @throws UnexpectedShapeError
 */
export function listedModel(tag: JsonObject): ModelInfo {
  const described = describeModel(nameOf(tag));
  return { ...described, name: nameForPeople(described.name, tag.object('details')) };
}

/**
 * A model with its details: https://docs.ollama.com/api-reference/show-model-details
 * @param numCtx the context that it will be loaded with, if the connection says so
 * @throws UnexpectedShapeError
 */
export function detailedModel(listed: ModelInfo, shown: JsonObject, numCtx: unknown): ModelInfo {
  const parameters = shown.text('parameters') ?? '';
  const contextLength = contextLengthOf(shown, numCtx ?? parameterOf(parameters, 'num_ctx'));
  return {
    ...listed,
    capabilities: capabilitiesOf(shown) ?? listed.capabilities,
    temperature: { ...temperature, default: parameterOf(parameters, 'temperature') ?? temperature.default },
    ...(contextLength === undefined ? {} : { contextLength }),
  };
}

/** `latest` says nothing, so people see how large it is. */
function nameForPeople(id: string, details: JsonObject | undefined): string {
  const facts = [details?.text('parameter_size'), details?.text('quantization_level')].filter(
    (fact) => fact !== undefined && fact !== 'unknown',
  );
  return facts.length === 0 ? id : `${id} (${facts.join(', ')})`;
}

/** Undefined for older servers, which do not tell. */
function capabilitiesOf(shown: JsonObject): readonly ModelCapability[] | undefined {
  const words = shown.value('capabilities');
  if (!Array.isArray(words)) return undefined;
  return words.flatMap((word) => capabilitiesByWord.get(word) ?? []);
}

/** What the model can do at most, or what it is loaded with when that is less. */
function contextLengthOf(shown: JsonObject, loadedWith: unknown): number | undefined {
  const info = shown.object('model_info');
  const architecture = info?.text('general.architecture');
  const limits = [
    architecture === undefined ? undefined : info?.count(`${architecture}.context_length`),
    typeof loadedWith === 'number' ? loadedWith : undefined,
  ].filter((limit) => limit !== undefined);
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/** A number of the Modelfile: lines of a name and a value. */
function parameterOf(parameters: string, name: string): number | undefined {
  for (const line of parameters.split('\n')) {
    const [word, value] = line.trim().split(/\s+/);
    const number = Number(value);
    if (word === name && Number.isFinite(number)) return number;
  }
  return undefined;
}
