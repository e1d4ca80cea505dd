/** Turns values into text for the second tier and back. `decode(encode(value))` is the same value with the same types. */
export interface CacheCodec<Value> {
  /** @throws {UnsupportedValueError} for a value that would not come back the same */
  encode(value: Value): string;
  /** @throws anything, when the text is not one of its own: the entry then counts as absent */
  decode(text: string): Value;
}
