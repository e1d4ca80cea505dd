// A redirect asks several times for the same string, which is told by its place in memory.
let lastText = '';
let lastNumber = -1;

/** An IPv4 address in its usual spelling (four decimals, no leading zeros) as a number; -1 for anything else. A few ns. */
export function ipv4Number(text: string): number {
  if (text !== lastText) {
    lastNumber = parse(text);
    lastText = text;
  }
  return lastNumber;
}

function parse(text: string): number {
  const { length } = text;
  if (length < 7 || length > 15) return -1;
  let number = 0;
  let octet = 0;
  let digits = 0;
  let dots = 0;
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 46) {
      if (digits === 0) return -1;
      number = number * 256 + octet;
      octet = 0;
      digits = 0;
      dots += 1;
    } else {
      if (code < 48 || code > 57 || (digits > 0 && octet === 0)) return -1;
      octet = octet * 10 + code - 48;
      if (octet > 255) return -1;
      digits += 1;
    }
  }
  return dots === 3 && digits > 0 ? number * 256 + octet : -1;
}
