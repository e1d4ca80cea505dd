/**
 * PostgreSQL arrays in its binary format, as `array_recv` reads them (src/backend/utils/adt/arrayfuncs.c): neither end has to write
 * or read digits, quotes and escapes. Big-endian: dimensions, whether there are NULLs, the elements' type, then length and lower
 * bound of the one dimension, then every element with its length in front.
 */
const HEAD = 20;
const INT2 = { oid: 21, bytes: 2 };
const INT4 = { oid: 23, bytes: 4 };
const INT8 = { oid: 20, bytes: 8 };
const TEXT_OID = 25;

export const int2Array = <Row>(rows: readonly Row[], of: (row: Row) => number): Uint8Array =>
  numbers(INT2, rows, (view, at, row) => view.setInt16(at, of(row)));

export const int4Array = <Row>(rows: readonly Row[], of: (row: Row) => number): Uint8Array =>
  numbers(INT4, rows, (view, at, row) => view.setInt32(at, of(row)));

/** Of safe integers. */
export const int8Array = <Row>(rows: readonly Row[], of: (row: Row) => number): Uint8Array =>
  numbers(INT8, rows, (view, at, row) => {
    const value = of(row);
    view.setInt32(at, Math.floor(value / 2 ** 32));
    view.setUint32(at + 4, value >>> 0);
  });

export const bigIntArray = <Row>(rows: readonly Row[], of: (row: Row) => bigint): Uint8Array =>
  numbers(INT8, rows, (view, at, row) => view.setBigInt64(at, of(row)));

/** The texts must hold no NUL, which PostgreSQL does not keep. */
export function textArray<Row>(rows: readonly Row[], of: (row: Row) => string): Uint8Array {
  // Most columns have few different texts: each is encoded once.
  const encoded = new Map<string, Buffer>();
  const parts: Buffer[] = [];
  let length = HEAD;
  for (const row of rows) {
    const text = of(row);
    let part = encoded.get(text);
    if (part === undefined) {
      part = element(text);
      encoded.set(text, part);
    }
    parts.push(part);
    length += part.length;
  }
  const bytes = Buffer.allocUnsafe(length);
  head(bytes, TEXT_OID, rows.length);
  let at = HEAD;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return rows.length === 0 ? empty(TEXT_OID) : bytes;
}

function element(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(4 + length);
  bytes.writeInt32BE(length, 0);
  bytes.write(text, 4);
  return bytes;
}

function numbers<Row>(
  type: { readonly oid: number; readonly bytes: number },
  rows: readonly Row[],
  write: (view: DataView, at: number, row: Row) => void,
): Uint8Array {
  if (rows.length === 0) return empty(type.oid);
  const step = 4 + type.bytes;
  const bytes = Buffer.allocUnsafe(HEAD + step * rows.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  head(bytes, type.oid, rows.length);
  for (let index = 0; index < rows.length; index += 1) {
    const at = HEAD + step * index;
    view.setInt32(at, type.bytes);
    write(view, at + 4, rows[index] as Row);
  }
  return bytes;
}

function head(bytes: Buffer, oid: number, length: number): void {
  bytes.writeInt32BE(1, 0);
  bytes.writeInt32BE(0, 4);
  bytes.writeInt32BE(oid, 8);
  bytes.writeInt32BE(length, 12);
  bytes.writeInt32BE(1, 16);
}

/** An array without elements has no dimension. */
function empty(oid: number): Uint8Array {
  const bytes = Buffer.alloc(12);
  bytes.writeInt32BE(oid, 8);
  return bytes;
}
