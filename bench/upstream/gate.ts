/** Holds a script back until the test lets it go on. */
export class Gate {
  readonly opened: Promise<void>;
  readonly open: () => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.opened = promise;
    this.open = () => resolve(undefined);
  }
}
