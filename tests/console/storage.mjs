// What the scripts of backups, images and recovered volumes have in common: words for what a person looks at and does.
import { open } from './driver.mjs';

export async function storage() {
  const [url, pictures] = process.argv.slice(2);
  const { KUMOI_ADMIN_PASSWORD: adminPassword, KUMOI_DEMO_PASSWORD: password } = process.env;
  if (!url || !pictures || !adminPassword || !password) throw new Error('usage: KUMOI_ADMIN_PASSWORD=… KUMOI_DEMO_PASSWORD=… node SCRIPT URL DIRECTORY');
  const driver = await open(url, pictures, { width: 1440, height: 900 });
  const { page, at, row, logIn } = driver;
  const heading = (name) => page.getByRole('heading', { name, exact: true });
  // A page's title has how many there are behind it, once that is known.
  const titled = (name) => page.getByRole('heading', { name: new RegExp(`^${name}( \\(.*\\))?$`), level: 1 });
  const token = () => page.evaluate(() => Object.values(sessionStorage).map(String).join(' ').match(/kumoi_[A-Za-z0-9_-]+/)?.[0]);
  return {
    ...driver, heading, titled,
    operator: () => logIn('admin', adminPassword),
    user: (name) => logIn(name, password),
    submit: () => at('form-submit').click(),
    confirm: () => at('confirm-submit').click(),
    cancel: () => page.getByRole('button', { name: 'Cancel' }).click(),
    select: (text, kind = 'checkbox') => row(text).first().getByRole(kind).click({ force: true }),
    // The row whose link has the name: other rows may have it as a word.
    named: (name) => page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) }),
    // For pictures that are shown: without what was said of what was done before.
    calm: async (name, seen) => {
      await page.reload();
      await seen();
      await driver.picture(name);
    },
    fact: (text) => page.getByText(text, { exact: true }).first().waitFor(),
    gone: (where) => where.first().waitFor({ state: 'detached' }),
    same: (seen, wanted, what) => {
      if (JSON.stringify(seen) !== JSON.stringify(wanted)) throw new Error(`${what}: ${JSON.stringify(seen)}, not ${JSON.stringify(wanted)}`);
    },
    disabled: (...ids) => Promise.all(ids.map((id) => at(id).first().isDisabled())),
    goTo: async (nav, name) => {
      await at(nav).click();
      await page.getByRole('link', { name, exact: true }).first().click();
      await heading(name).waitFor();
    },
    call: async (method, path, body) => {
      const answer = await fetch(`${url}/api/v1${path}`, { method, headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' }, body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
      return answer.json();
    },
  };
}
