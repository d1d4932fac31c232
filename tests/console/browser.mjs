// Drives the console as a person would: logs in, launches an instance, types into its serial console, looks around in both languages.
//   node browser.mjs URL PICTURES-DIRECTORY      (password of user demo in KUMOI_DEMO_PASSWORD)
import { open } from './driver.mjs';

const [url, pictures] = process.argv.slice(2);
const password = process.env.KUMOI_DEMO_PASSWORD;
if (!url || !pictures || !password) throw new Error('usage: KUMOI_DEMO_PASSWORD=… node browser.mjs URL DIRECTORY');

const { page, at, invalid, picture, choose, step, speak, faults, complain, close } = await open(url, pictures, { width: 1400, height: 860 });

try {
  await step('a wrong password is refused and nothing typed is lost', async () => {
    await page.goto(url);
    await at('login-user').fill('demo');
    await at('login-password').fill('wrong password');
    await at('login-submit').click();
    await at('problem').first().waitFor();
    if ((await at('login-user').inputValue()) !== 'demo') throw new Error('the user name was lost');
  });
  faults.length = 0; // the browser reports the 401 just provoked
  await step('log in', async () => {
    await at('login-password').fill(password);
    await at('login-submit').click();
    await page.getByRole('heading', { name: 'Dashboard' }).first().waitFor();
    await page.getByText('Running').first().waitFor();
    await picture('console-dashboard');
  });
  await step('launch an instance', async () => {
    await page.goto(`${url}/instances`);
    await page.getByText('first').first().waitFor();
    await at('launch-instance').click();
    await at('launch-name').fill('from-browser');
    await at('launch-image').getByText('tiny', { exact: true }).first().click();
    await choose('launch-flavor', 'small');
    await choose('launch-key-pair', 'demo');
    await picture('console-launch');
    await at('launch-submit').click();
    await page.locator('[data-testid="instance-state"][data-state="running"]').first().waitFor();
  });
  await step('type into the serial console', async () => {
    await at('tab-serial').click().catch(() => page.getByRole('tab', { name: /serial/i }).click());
    await page.locator('[data-testid="console-state"][data-state="connected"], [data-testid="serial-terminal"] .xterm-rows').first().waitFor();
    const terminal = at('serial-terminal');
    const sees = async (text, seconds) => {
      for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
        if ((await terminal.innerText()).replace(/\u00a0/g, ' ').includes(text)) return true;
        await page.waitForTimeout(300);
      }
      return false;
    };
    const types = async (text) => {
      await terminal.locator('textarea').focus();
      await page.keyboard.type(text, { delay: 20 });
      await page.keyboard.press('Enter');
    };
    if (!(await sees('login:', 120))) throw new Error(`no login prompt:\n${await terminal.innerText()}`);
    await types('root');
    if (!(await sees('Password:', 30))) throw new Error(`no password prompt:\n${await terminal.innerText()}`);
    await types('tiny');
    if (!(await sees('#', 30))) throw new Error(`no shell:\n${await terminal.innerText()}`);
    await types('echo answer-$((6 * 7)); hostname');
    if (!(await sees('answer-42', 30))) throw new Error(`no answer:\n${await terminal.innerText()}`);
    await picture('console-serial');
    console.log('the serial console answered');
  });
  await step('see the screen', async () => {
    await page.getByRole('tab', { name: /screen/i }).click();
    await at('screen').locator('canvas').waitFor();
    await page.waitForTimeout(1500);
    await picture('console-screen');
  });
  await step('the list is live: a stop shows without reload', async () => {
    await page.goto(`${url}/instances`);
    const row = page.getByRole('row').filter({ hasText: 'from-browser' });
    await row.waitFor();
    await picture('console-instances');
    const token = await page.evaluate(() => Object.values(sessionStorage).map(String).join(' ').match(/kumoi_[A-Za-z0-9_-]+/)?.[0]);
    const stopped = await fetch(`${url}/api/v1/instances/from-browser/stop`, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
    if (!stopped.ok) throw new Error(`stop answered ${stopped.status}`);
    await row.locator('[data-testid="instance-state"][data-state="stopped"]').waitFor();
  });
  await step('an instance answers metadata with a token only, and is not terminated while it is protected', async () => {
    await page.getByRole('link', { name: 'from-browser', exact: true }).first().click();
    await at('instance-edit').click();
    await at('instance-flavor').waitFor();
    await at('instance-hops').fill('65');
    await at('form-submit').click();
    await invalid('instance-hops').waitFor();
    await at('instance-hops').fill('2');
    await at('instance-protection').locator('input').click({ force: true });
    await choose('instance-metadata', 'Only with a token');
    await picture('instance-edit');
    await at('form-submit').click();
    await page.getByText('Only with a token (IMDSv2)').first().waitFor();
    const token = await page.evaluate(() => Object.values(sessionStorage).map(String).join(' ').match(/kumoi_[A-Za-z0-9_-]+/)?.[0]);
    const read = async () => (await fetch(`${url}/api/v1/instances/from-browser`, { headers: { authorization: `Bearer ${token}` } })).json();
    const one = await read();
    if (!one.terminationProtection || one.metadataTokens !== 'required' || one.metadataHopLimit !== 2 || one.metadataTags !== 'disabled') throw new Error(`not what was asked: ${JSON.stringify(one)}`);
    await at('instance-edit').click();
    await at('instance-protection').locator('input').click({ force: true });
    await at('form-submit').click();
    await at('instance-edit').waitFor();
    for (let tries = 0; (await read()).terminationProtection; tries++) {
      if (tries > 50) throw new Error('it is still protected');
      await page.waitForTimeout(200);
    }
  });
  await step('make a network of both families', async () => {
    await page.goto(`${url}/networks`);
    await at('create-network').click();
    await at('network-name').fill('lab');
    await at('network-cidr').fill('10.1.0.0/24');
    await at('network-cidr6').fill('fd00:1::/48');
    await at('form-submit').click();
    await page.locator('[data-testid="network-cidr6"][aria-invalid="true"]').waitFor();
    await at('network-cidr6').fill('fd00:1::/64');
    await at('form-submit').click();
    await page.getByRole('link', { name: 'lab', exact: true }).click();
    await page.getByRole('row').filter({ hasText: 'fd00:1::1' }).waitFor();
    await page.getByRole('row').filter({ hasText: '10.1.0.1' }).waitFor();
    await at('tab-outside').click();
    await page.getByText('No port forwards').waitFor();
    await picture('console-network');
    await page.goto(`${url}/networks`);
    await page.getByRole('checkbox', { name: 'lab', exact: true }).click({ force: true });
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await at('confirm-submit').click();
    await page.getByRole('link', { name: 'lab', exact: true }).waitFor({ state: 'detached' });
  });
  await step('take a floating address, lead it to an instance, and give it back', async () => {
    await page.goto(`${url}/floating-addresses`);
    await page.getByRole('row').filter({ hasText: 'from-browser' }).waitFor();
    await at('floating-allocate').first().click();
    await page.getByRole('textbox', { name: /Description/ }).fill('by the browser');
    await at('form-submit').click();
    const row = page.getByRole('row').filter({ hasText: 'by the browser' });
    await row.getByText('Nothing').waitFor();
    await row.getByRole('checkbox').click({ force: true });
    await at('floating-associate').click();
    await choose('associate-interface', 'from-browser/0');
    await at('form-submit').click();
    await row.getByRole('link', { name: 'from-browser' }).waitFor();
    await picture('console-floating-addresses');
    await at('floating-disassociate').click();
    await at('confirm-submit').click();
    await row.getByText('Nothing').waitFor();
    await at('floating-release').click();
    await at('confirm-submit').click();
    await row.waitFor({ state: 'detached' });
  });
  await step('a load balancer tells which guest works', async () => {
    await page.goto(`${url}/load-balancers/create`);
    await at('balancer-name').fill('shells');
    await choose('balancer-network', 'default');
    await at('listener-port').fill('22');
    await choose('member-interface-0', 'first');
    await choose('member-interface-1', 'from-browser');
    await at('balancer-submit').click();
    await page.getByRole('heading', { name: 'shells', exact: true }).waitFor();
    await page.getByRole('row').filter({ hasText: 'first:22' }).locator('[data-health="healthy"]').waitFor();
    // It was stopped before.
    await page.getByRole('row').filter({ hasText: 'from-browser:22' }).locator('[data-health="unhealthy"]').waitFor();
    await at('balancer-delete').click();
    await at('confirm-submit').click();
    await page.getByText('No load balancers').waitFor();
    faults.splice(0, faults.length, ...faults.filter((fault) => !/status of 404/.test(fault)));
  });
  await step('ask why a packet does not get there', async () => {
    await page.goto(`${url}/trace?from=outside&to=first&protocol=tcp&port=81`);
    await at('trace-submit').click();
    await page.locator('[data-testid="trace-result"][data-passes="false"]').waitFor();
    await picture('console-trace');
    await at('trace-port').fill('22');
    await at('trace-submit').click();
    await page.locator('[data-testid="trace-result"][data-passes="true"]').waitFor();
    await page.getByRole('link', { name: 'default', exact: true }).first().waitFor();
  });
  await step('the other pages, and Japanese', async () => {
    for (const path of ['images', 'key-pairs', 'networks', 'security-groups', 'floating-addresses', 'load-balancers', 'vpns', 'trace', 'events']) {
      await page.goto(`${url}/${path}`);
      await page.getByRole('heading', { level: 1 }).first().waitFor();
    }
    await page.goto(`${url}/instances`);
    await speak('日本語');
    await page.getByText('インスタンス').first().waitFor();
    await page.getByRole('row').filter({ hasText: 'from-browser' }).waitFor();
    await picture('console-instances-ja');
  });
  complain();
  await step('the API reference works from local files', async () => {
    await page.goto(`${url}/reference/`);
    await page.getByText('Log in: trade a user').first().waitFor();
  });
} finally {
  await close();
}
