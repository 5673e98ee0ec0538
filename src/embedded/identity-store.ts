import type { Adapter, AdapterPayload } from 'oidc-provider';

/**
 * Where oidc-provider keeps sessions, codes and tokens of one model: in memory, in a map that all models share.
 * Its own in-memory adapter warns on the console at each start.
 */
export class IdentityStore implements Adapter {
  constructor(
    private readonly model: string,
    private readonly kept: Map<string, AdapterPayload>,
  ) {}

  upsert(id: string, payload: AdapterPayload): Promise<void> {
    this.forget(({ exp }) => exp !== undefined && exp < Date.now() / 1000);
    this.kept.set(this.key(id), payload);
    return Promise.resolve();
  }

  find(id: string): Promise<AdapterPayload | undefined> {
    return Promise.resolve(this.kept.get(this.key(id)));
  }

  findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return Promise.resolve(
      this.kept.values().find((payload) => payload.kind === this.model && payload.uid === uid),
    );
  }

  /** Of the device flow, which is off. */
  findByUserCode(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  consume(id: string): Promise<void> {
    const payload = this.kept.get(this.key(id));
    if (payload) payload.consumed = Math.floor(Date.now() / 1000);
    return Promise.resolve();
  }

  destroy(id: string): Promise<void> {
    this.kept.delete(this.key(id));
    return Promise.resolve();
  }

  revokeByGrantId(grantId: string): Promise<void> {
    this.forget((payload) => payload.grantId === grantId);
    return Promise.resolve();
  }

  private key(id: string): string {
    return `${this.model}:${id}`;
  }

  private forget(which: (payload: AdapterPayload) => boolean): void {
    for (const [key, payload] of this.kept) if (which(payload)) this.kept.delete(key);
  }
}
