export { createList, type IdPage, type List, type ListOptions, type ListPage } from './create-list.ts';
