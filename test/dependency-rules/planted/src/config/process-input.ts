export interface ProcessInput {
  readonly arguments: readonly string[];
}

export function readProcessInput(): ProcessInput {
  return { arguments: [] };
}
