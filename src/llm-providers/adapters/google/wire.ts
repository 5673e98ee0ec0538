import type * as GenAi from '@google/genai';

/** What goes over the wire for a type of the SDK: JSON has the word of an enumeration, and undefined is left out. */
type Wire<Type> = Type extends string
  ? `${Type}`
  : Type extends readonly (infer Item)[]
    ? readonly Wire<Item>[]
    : Type extends object
      ? { readonly [Key in keyof Type]: Wire<Type[Key]> }
      : Type;

export type Content = Wire<Pick<GenAi.Content, 'role' | 'parts'>>;
export type Part = Wire<GenAi.Part>;
export type FunctionResponse = Wire<GenAi.FunctionResponse>;
export type FunctionDeclaration = Wire<GenAi.FunctionDeclaration>;
export type ToolConfig = Wire<Pick<GenAi.ToolConfig, 'functionCallingConfig'>>;
export type ThinkingConfig = Wire<GenAi.ThinkingConfig>;
export type GenerationConfig = Wire<GenAi.GenerationConfig>;

/** https://ai.google.dev/api/generate-content#request-body; the SDK's own type has all of this in one flat `config`. */
export interface GenerateContentBody {
  readonly contents: readonly Content[];
  readonly systemInstruction?: Content;
  readonly tools?: readonly { readonly functionDeclarations: readonly FunctionDeclaration[] }[];
  readonly toolConfig?: ToolConfig;
  readonly generationConfig?: GenerationConfig;
  readonly labels?: Readonly<Record<string, string>>;
  readonly serviceTier?: string;
  /** To go on with an answer: https://ai.google.dev/gemini-api/docs/generate-content/long-decode */
  readonly continuationToken?: string;
}
