/** What an alias or a router leads to, by name. */
export interface TargetReference {
  /** The name of a model, an alias or a router, as its owner may use it. */
  readonly model: string;
  /** The connection to call the model by, when several have it: then it is that model, whatever aliases there are. */
  readonly connection?: string;
  /** In a weighted router, compared to the others; 1 when absent. */
  readonly weight?: number;
}

/** The same for references to the same. */
export function keyOf({ model, connection }: TargetReference): string {
  return JSON.stringify([model, connection]);
}
