import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { ConfigurationError, type Issue } from '@spillway/kernel';
import { ValueTooLargeError } from '../errors.ts';
import type { CacheCodec } from './codec.ts';

export interface CompressedOptions {
  /** Texts of more characters than this are compressed, if that makes them shorter. Default 2,048. */
  readonly above?: number;
  /**
   * No text of more bytes than this is written, nor unpacked: a few bytes from a store can stand for gigabytes. Such a value is served, but stays
   * out of the second tier. Default 8 MiB.
   */
  readonly maxBytes?: number;
}

/** Begins a compressed text. No codec of its own may begin one so: `compressed` escapes a text that does. */
const MARK = '\u0001';
/** After the mark: Zstandard, in base64; and a text as it is, that begins with the mark itself. */
const ZSTD = '1';
const PLAIN = '0';

const FASTEST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/**
 * A codec whose long texts are compressed with Zstandard: a JSON list of rows to about a sixth, so that it takes less of Redis and of the
 * network. What was written without it is read as before, and the other way round such an entry counts as absent.
 *
 * At once and not in the thread pool: at its fastest level 100 KB take half a millisecond, less than a busy pool keeps one waiting; the cache takes L2's
 * answer and keeps it in one turn of the event loop; and an entry is bounded. Base64, since a store keeps text.
 * @throws {ConfigurationError} with everything that is wrong in `options`
 */
export function compressed<Value>(codec: CacheCodec<Value>, options: CompressedOptions = {}): CacheCodec<Value> {
  const { above, maxBytes } = parse(options);
  return {
    encode(value) {
      const text = codec.encode(value);
      const plain = text.startsWith(MARK) ? `${MARK}${PLAIN}${text}` : text;
      if (text.length <= above) return plain;
      const bytes = Buffer.from(text);
      if (bytes.byteLength > maxBytes) throw new ValueTooLargeError(bytes.byteLength, maxBytes, 'maxBytes');
      // A lone surrogate would come back as another character.
      if (!text.isWellFormed()) return plain;
      const packed = `${MARK}${ZSTD}${zstdCompressSync(bytes, FASTEST).toString('base64')}`;
      return packed.length < plain.length ? packed : plain;
    },
    decode(text) {
      if (!text.startsWith(MARK)) return codec.decode(text);
      switch (text[1]) {
        case PLAIN:
          return codec.decode(text.slice(2));
        case ZSTD:
          return codec.decode(
            zstdDecompressSync(Buffer.from(text.slice(2), 'base64'), { maxOutputLength: maxBytes }).toString(),
          );
        default:
          throw new RangeError(`A cached entry is packed in the unknown way ${JSON.stringify(text[1])}`);
      }
    },
  };
}

function parse({ above = 2_048, maxBytes = 8 * 1024 * 1024 }: CompressedOptions): Required<CompressedOptions> {
  const issues: Issue[] = [];
  const integer = (path: string, value: number, least: number): void => {
    if (Number.isSafeInteger(value) && value >= least) return;
    issues.push({ path, message: `must be an integer >= ${least}, got ${JSON.stringify(value) ?? String(value)}` });
  };
  integer('above', above, 0);
  integer('maxBytes', maxBytes, 1);
  if (issues.length > 0) throw new ConfigurationError('The compressing codec has wrong options', issues);
  return { above, maxBytes };
}
