import { describe, expect, it } from '@jest/globals';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { encodeEvent } from './native-event-stream.js';

function parse(text: string): EventSourceMessage[] {
  const events: EventSourceMessage[] = [];
  createParser({ onEvent: (event) => events.push(event) }).feed(text);
  return events;
}

describe('the native event encoding', () => {
  it.each(['\n', '\r\n', '\r', '\n\n', 'a\n\ndata: {"forged":true}\n\n', '\u2028', '\0', '\u{1F600}'])(
    'cannot be broken by %j in a text',
    (token) => {
      const events = parse(encodeEvent('msg_1', { number: 2, event: { type: 'token', token } }));
      expect(events).toEqual([
        { id: 'msg_1:2', event: 'token', data: JSON.stringify({ messageId: 'msg_1', token }) },
      ]);
    },
  );

  it('closes with an empty object', () => {
    expect(encodeEvent('msg_1', { number: 9, event: { type: 'close' } })).toBe(
      'id: msg_1:9\nevent: close\ndata: {}\n\n',
    );
  });
});
