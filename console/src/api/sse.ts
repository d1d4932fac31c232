/** One message of a text/event-stream. */
export interface SseMessage {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Reads a text/event-stream as the WHATWG HTML standard describes it, from pieces cut anywhere. */
export class SseParser {
  private rest = '';
  private afterCarriageReturn = false;
  private data: string[] = [];
  private event = '';
  /** The last id seen: what to resume from. */
  lastId = '';

  feed(piece: string): SseMessage[] {
    const found: SseMessage[] = [];
    let text = this.rest + piece;
    // A line may end with CR LF that arrives in two pieces: the CR ended the line, the LF is passed over.
    if (this.afterCarriageReturn && text.startsWith('\n')) text = text.slice(1);
    if (text !== '') this.afterCarriageReturn = false;
    const end = /\r\n|\n|\r/g;
    let from = 0;
    for (let match = end.exec(text); match !== null; match = end.exec(text)) {
      const message = this.line(text.slice(from, match.index));
      if (message) found.push(message);
      from = match.index + match[0].length;
      if (match[0] === '\r' && from === text.length) this.afterCarriageReturn = true;
    }
    this.rest = text.slice(from);
    return found;
  }

  private line(line: string): SseMessage | null {
    if (line === '') return this.dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return null;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') this.data.push(value);
    else if (name === 'event') this.event = value;
    else if (name === 'id' && !value.includes('\0')) this.lastId = value;
    return null;
  }

  private dispatch(): SseMessage | null {
    const message = this.data.length === 0 ? null : { id: this.lastId, event: this.event || 'message', data: this.data.join('\n') };
    this.data = [];
    this.event = '';
    return message;
  }
}
