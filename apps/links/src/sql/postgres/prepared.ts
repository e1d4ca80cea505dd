const names = new Map<string, string>();

/** Marks a statement's text as worth preparing on PostgreSQL. For the few constant texts of hot paths. */
export function prepared(name: string, text: string): string {
  names.set(text, name);
  return text;
}

export const preparedName = (text: string): string | undefined => names.get(text);
