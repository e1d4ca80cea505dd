import type { SqlQueries } from '@spillway/kernel';
import { sql } from 'kysely';
import { build, execute } from '../sql/builder.ts';
import type { Link } from './link.ts';
import { type LinkRow, linkColumns, toLink } from './link-rows.ts';
import type { ListQuery } from './link-store.ts';

/** One page of links, by keyset: its cost does not grow with how far one has turned. */
export async function listLinks(on: SqlQueries, query: ListQuery): Promise<readonly Link[]> {
  const column = query.sort.endsWith('code') ? 'code' : 'created_at';
  const direction = query.sort.startsWith('-') ? 'desc' : 'asc';
  let select = build
    .selectFrom('links')
    .select(linkColumns)
    .orderBy(sql.ref(column), direction)
    .orderBy('id', direction)
    .limit(query.limit);
  if (query.after !== undefined) {
    const { value, id } = query.after;
    const beyond = sql.raw(direction === 'desc' ? '<' : '>');
    select = select.where(sql<boolean>`(${sql.ref(column)}, id) ${beyond} (${value}, ${id})`);
  }
  if (query.search !== undefined) {
    // The backslash makes %, _ and itself plain characters; both databases are told so.
    const pattern = `%${query.search.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
    select = select.where(sql<boolean>`search LIKE ${pattern} ESCAPE '\\'`);
  }
  if (query.tag !== undefined) {
    const tagged = build.selectFrom('link_tags').select('link_id').where('tag', '=', query.tag);
    select = select.where('id', 'in', tagged);
  }
  const { rows } = await execute<LinkRow>(on, select);
  return rows.map(toLink);
}
