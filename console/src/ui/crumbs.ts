import { store } from './store';

/** Where the page shown stands. */
export const crumbs = store<readonly { text: string; href: string }[]>([]);
