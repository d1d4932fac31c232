// A browser for the scripts beside this one: it notes whatever the page complains of, and tells what was to be seen when a step fails.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

export async function open(url, pictures, viewport) {
  const profile = await mkdtemp(join(tmpdir(), 'kumoi-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium', headless: true, viewport, locale: 'en-GB', reducedMotion: 'reduce',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  const page = context.pages()[0] ?? (await context.newPage());
  const faults = [];
  page.on('console', (message) => { if (message.type() === 'error') faults.push(message.text()); });
  page.on('pageerror', (error) => faults.push(String(error)));
  // Nothing in the console asks by a dialog of the browser: one that comes was made by a text that ran as a script.
  page.on('dialog', (dialog) => { faults.push(`dialog: ${dialog.message()}`); void dialog.dismiss(); });
  page.setDefaultTimeout(60_000);

  const at = (id) => page.locator(`[data-testid="${id}"]`);
  const picture = (name) => page.screenshot({ path: join(pictures, `${name}.png`) });
  // Opens a list and chooses, again if the list was drawn anew under the pointer.
  const choose = async (list, option) => {
    const button = at(list).locator('button').first();
    for (let tries = 0; tries < 5 && !(await button.innerText()).startsWith(option); tries++) {
      await button.click();
      await page.getByRole('option').filter({ hasText: new RegExp(`^${option}`) }).first().click({ timeout: 5_000 }).catch(() => {});
      await page.waitForTimeout(300);
    }
    if (!(await button.innerText()).startsWith(option)) throw new Error(`${option} could not be chosen in ${list}`);
  };
  const step = async (name, work) => {
    try {
      await work();
      console.log(`ok: ${name}`);
    } catch (error) {
      await picture('failed');
      const seen = await page.locator('body').innerText().catch(() => '');
      throw new Error(`${name}: ${error.message}\nfaults: ${faults.join('\n')}\nat ${page.url()} the page shows:\n${seen.slice(0, 3000)}`);
    }
  };
  const logIn = async (user, password) => {
    if (!page.url().startsWith(url)) await page.goto(url);
    // The session is the tab's: without it the page is anybody's.
    await page.evaluate(() => sessionStorage.clear());
    await page.goto(`${url}/log-in`);
    await at('login-user').fill(user);
    await at('login-password').fill(password);
    await at('login-submit').click();
    await at('nav-access').waitFor();
  };
  const row = (text) => page.getByRole('row').filter({ hasText: text });
  const invalid = (id) => page.locator(`[data-testid="${id}"][aria-invalid="true"]`);
  // A refusal is an answer that the browser notes as an error.
  const refused = () => { faults.splice(0, faults.length, ...faults.filter((fault) => !/status of 4\d\d/.test(fault))); };
  const inert = async () => {
    if ((await page.locator('img[src="x"]').count()) > 0) throw new Error('a text was drawn as an element');
  };
  const speak = async (language) => {
    await at('language-switch').first().click();
    await page.getByText(language).last().click();
  };
  // The console itself must not make the browser complain: scripts refused, files missing, errors thrown.
  const complain = () => {
    const serious = faults.filter((fault) => !/ERR_NETWORK_CHANGED/.test(fault));
    if (serious.length > 0) throw new Error(`the browser complained:\n${serious.join('\n---\n')}`);
  };
  const close = async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  };
  return { page, at, row, invalid, picture, choose, logIn, step, speak, refused, inert, faults, complain, close };
}
