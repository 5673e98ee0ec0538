import type { MessagePart } from '../messages/message.js';
import type { JournalEvent } from './generation-event.js';

interface OpenPart {
  readonly type: 'text' | 'reasoning';
  text: string;
  signature?: string;
}

/** Joins events into the parts of a message: the same from the live stream and from the journal of a dead replica. */
export class AnswerParts {
  private readonly joined: MessagePart[] = [];
  private open: OpenPart | undefined;
  private characters = 0;

  add(event: JournalEvent): void {
    switch (event.type) {
      case 'token':
        this.extend('text', event.token);
        break;
      case 'reasoning':
        this.extend('reasoning', event.token, event.signature);
        break;
      case 'tool_call':
        this.characters += event.input.length;
        this.open = undefined;
        this.joined.push({ type: 'tool_call', id: event.id, name: event.name, input: event.input });
        break;
      case 'status':
        break;
    }
  }

  get parts(): readonly MessagePart[] {
    return this.joined;
  }

  /** Length of everything so far in UTF-16 units. */
  get length(): number {
    return this.characters;
  }

  private extend(type: OpenPart['type'], text: string, signature?: string): void {
    this.characters += text.length;
    const part = this.open?.type === type ? this.open : this.begin(type);
    part.text += text;
    if (signature === undefined) return;
    part.signature = signature;
    this.open = undefined;
  }

  private begin(type: OpenPart['type']): OpenPart {
    const part: OpenPart = { type, text: '' };
    this.joined.push(part);
    this.open = part;
    return part;
  }
}
