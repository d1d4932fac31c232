// Load balancers, VPN gateways and traffic in the console, as a person would use them, in English and Japanese, with texts that would like to be scripts.
//   node balancing.mjs URL PICTURES-DIRECTORY CERTIFICATE KEY      (user in KUMOI_DEMO_USER, password in KUMOI_DEMO_PASSWORD)
// The account has the instances web-1, web-2 and web-3. Their host says that the first member works, and that the others do not: the third for a reason that is a script.
import { open } from './driver.mjs';

const [url, pictures, certificate, key] = process.argv.slice(2);
const { KUMOI_DEMO_USER: user, KUMOI_DEMO_PASSWORD: password } = process.env;
if (!url || !pictures || !certificate || !key || !user || !password) throw new Error('usage: KUMOI_DEMO_USER=… KUMOI_DEMO_PASSWORD=… node balancing.mjs URL DIRECTORY CERTIFICATE KEY');

const { page, at, row, picture, choose, logIn, step, speak, refused, inert, complain, close } = await open(url, pictures, { width: 1440, height: 900 });
const hostile = '<img src=x onerror=alert(1)>';
const health = (member, state) => row(member).locator(`[data-testid="member-health"][data-health="${state}"]`).first();
const saved = async (button) => {
  const [file] = await Promise.all([page.waitForEvent('download'), at(button).click()]);
  const text = [];
  for await (const part of await file.createReadStream()) text.push(part);
  return { name: file.suggestedFilename(), text: Buffer.concat(text).toString() };
};

try {
  await step('log in', async () => {
    await logIn(user, password);
    await at('nav-load-balancers').click();
    await page.getByText('No load balancers').waitFor();
  });
  await step('a load balancer is refused field by field', async () => {
    await at('create-balancer').first().click();
    await at('balancer-submit').click();
    await page.locator('[data-testid="balancer-name"][aria-invalid="true"]').waitFor();
    await at('balancer-name').fill('web');
    await choose('balancer-network', 'default');
    await page.getByRole('textbox', { name: /^Address/ }).fill('192.0.2.1');
    await at('balancer-submit').click();
    await at('problem').waitFor();
    await page.getByRole('textbox', { name: /^Address/ }).and(page.locator('[aria-invalid="true"]')).waitFor();
    refused();
    await page.getByRole('textbox', { name: /^Address/ }).fill('');
  });
  await step('a load balancer with two members', async () => {
    await page.getByRole('textbox', { name: /^Description/ }).fill(hostile);
    await choose('listener-protocol', 'HTTP');
    await choose('listener-check', 'HTTP');
    await at('listener-check-path').fill('/health');
    await choose('member-interface-0', 'web-1');
    await choose('member-interface-1', 'web-2');
    await at('member-port-1').fill('8080');
    await at('member-weight-1').fill('5');
    await picture('console-load-balancer-create');
    await at('balancer-submit').click();
    await page.getByRole('heading', { name: 'web', exact: true }).waitFor();
    await health('web-1:80', 'healthy').waitFor();
    await health('web-2:8080', 'unhealthy').waitFor();
    await row('web-2:8080').getByText('connection refused').waitFor();
    await page.getByText(hostile).waitFor();
    await inert();
    await at('balancer-edit').click();
    await page.getByRole('textbox', { name: /^Description/ }).fill('Front of the shop');
    await at('form-submit').click();
    await page.getByText('Front of the shop').waitFor();
  });
  await step('a listener that ends TLS', async () => {
    await at('listener-add').click();
    await choose('listener-protocol', 'HTTPS');
    if ((await at('listener-port').inputValue()) !== '443') throw new Error('the port did not follow the protocol');
    await at('listener-certificate-file').setInputFiles(certificate);
    await at('listener-privateKey-file').setInputFiles(certificate);
    await page.waitForFunction(() => [...document.querySelectorAll('textarea')].every((field) => field.value !== ''));
    await at('form-submit').click();
    // The certificate is no key: the server says so at the field.
    await page.locator('[data-testid="listener-privateKey"][aria-invalid="true"]').waitFor();
    await picture('console-listener');
    refused();
    await at('listener-privateKey-file').setInputFiles(key);
    await page.waitForFunction(() => [...document.querySelectorAll('textarea')].some((field) => field.value.includes('PRIVATE KEY')));
    await at('form-submit').click();
    await row('HTTPS 443').getByText('www.example.test').waitFor();
    await health('HTTPS 443', 'healthy').waitFor();
    await row('web-1:80').nth(1).waitFor();
  });
  await step('drain a member, and give it connections again', async () => {
    await row('web-1:80').first().getByRole('checkbox').click({ force: true });
    await at('member-drain').click();
    await at('confirm-submit').click();
    await row('web-1:80').first().locator('[data-draining="true"]').waitFor();
    await page.getByText('Created web').waitFor({ state: 'detached' });
    await page.evaluate(() => window.scrollTo(0, 0));
    await picture('console-load-balancer');
    await at('member-undrain').click();
    await at('confirm-submit').click();
    await row('web-1:80').first().locator('[data-draining="false"]').waitFor();
  });
  await step('change a weight, add a member, take it out', async () => {
    await at('member-weight').click();
    await at('weight').fill('300');
    await at('form-submit').click();
    await page.locator('[data-testid="weight"][aria-invalid="true"]').waitFor();
    await at('weight').fill('7');
    await at('form-submit').click();
    await row('web-1:80').first().getByRole('cell', { name: '7', exact: true }).waitFor();
    await at('member-add').click();
    await choose('add-member-interface', 'web-3');
    await at('form-submit').click();
    await row('web-3:443').getByText(hostile).waitFor();
    await inert();
    await row('web-1:80').first().getByRole('checkbox').click({ force: true });
    await row('web-3:443').getByRole('checkbox').click({ force: true });
    await at('member-remove').click();
    await at('confirm-submit').click();
    await row('web-3:443').waitFor({ state: 'detached' });
  });
  await step('lead a floating address to it, and take it away', async () => {
    await at('balancer-associate').click();
    await at('form-submit').click();
    await at('balancer-floating').waitFor();
    await page.goto(`${url}/floating-addresses`);
    await row('Load balancer').getByRole('link', { name: 'web', exact: true }).click();
    await at('balancer-disassociate').click();
    await at('confirm-submit').click();
    await at('balancer-floating').waitFor({ state: 'detached' });
  });
  await step('edit and remove a listener', async () => {
    await row('HTTPS 443').first().getByRole('radio').click({ force: true });
    await at('listener-edit').click();
    await at('listener-port').fill('8443');
    await at('form-submit').click();
    await row('HTTPS 8443').first().getByText('www.example.test').waitFor();
    await at('listener-remove').click();
    await at('confirm-submit').click();
    await row('HTTPS 8443').first().waitFor({ state: 'detached' });
  });
  await step('the list tells how many members work', async () => {
    await at('nav-load-balancers').click();
    await row('web').locator('[data-testid="health-count"][data-look="warning"]').waitFor();
  });
  await step('a VPN gateway', async () => {
    await at('nav-vpns').click();
    await at('create-vpn').first().click();
    await at('vpn-name').fill('home');
    await choose('vpn-network', 'default');
    await at('vpn-ranges').fill('10.0.0.0/24');
    await at('form-submit').click();
    // Only the server knows that the network itself has this range.
    await page.locator('[data-testid="vpn-ranges"][aria-invalid="true"]').waitFor();
    await picture('console-vpn-create');
    refused();
    await at('vpn-ranges').fill('');
    await at('form-submit').click();
    await page.locator('[data-testid="vpn-state"][data-state="up"]').waitFor();
  });
  await step('a client, whose profile is shown once', async () => {
    await at('vpn-client-add').first().click();
    await at('vpn-client-name').fill('laptop');
    await at('form-submit').click();
    await at('vpn-profile').getByText('PrivateKey = ').waitFor();
    if (!(await at('vpn-profile-done').isDisabled())) throw new Error('the profile could be closed before it was kept');
    await picture('console-vpn-profile');
    const file = await saved('vpn-profile-download');
    if (file.name !== 'laptop.conf' || !/^PrivateKey = \S{44}$/m.test(file.text)) throw new Error(`the file ${file.name} is no profile`);
    await at('vpn-profile-done').click();
    await row('laptop').locator('[data-testid="vpn-peer"][data-connected="true"]').waitFor();
    await row('laptop').getByText('203.0.113.77:4444').waitFor();
    await row('laptop').getByRole('checkbox').click({ force: true });
    await at('vpn-client-profile').click();
    await at('vpn-profile').getByText('# PrivateKey').waitFor();
    if ((await at('vpn-profile').innerText()).includes('\nPrivateKey = ')) throw new Error('the key was shown again');
    await at('vpn-profile-done').click();
  });
  await step('a site, and the configuration of its other side', async () => {
    await at('tab-sites').click();
    await at('vpn-site-add').first().click();
    await at('vpn-site-name').fill('osaka');
    await at('vpn-site-ranges').fill('192.168.10.0/24, 192.168.11.0/24');
    await at('vpn-site-endpoint').fill('198.51.100.7:51820');
    await picture('console-vpn-site');
    await at('form-submit').click();
    await at('vpn-profile').getByText('PresharedKey = ').waitFor();
    await at('vpn-profile-kept').locator('input').check({ force: true });
    await at('vpn-profile-done').click();
    await row('osaka').getByText('192.168.11.0/24').waitFor();
    await picture('console-vpn-sites');
    await row('osaka').getByRole('checkbox').click({ force: true });
    await at('vpn-site-remove').click();
    await at('confirm-submit').click();
    await row('osaka').waitFor({ state: 'detached' });
    await at('tab-clients').click();
    await row('laptop').waitFor();
    await page.getByText('Deleted osaka').waitFor({ state: 'detached' });
    await picture('console-vpn');
  });
  await step('a client whose name is a script', async () => {
    await at('vpn-client-add').first().click();
    await at('vpn-client-name').fill(hostile);
    await at('form-submit').click();
    await at('vpn-profile').getByText('PrivateKey = ').waitFor();
    await inert();
    await at('vpn-profile-kept').locator('input').check({ force: true });
    await at('vpn-profile-done').click();
    await row(hostile).waitFor();
    await inert();
  });
  await step('what passed an interface', async () => {
    await page.goto(`${url}/instances`);
    await page.getByRole('link', { name: 'web-1', exact: true }).click();
    await at('interface-traffic').getByText('1,234 packets').first().waitFor();
    await at('interface-traffic').scrollIntoViewIfNeeded();
    await picture('console-traffic');
  });
  await step('the same in Japanese', async () => {
    await speak('日本語');
    await at('nav-load-balancers').click();
    await page.getByRole('heading', { name: 'ロードバランサー' }).first().waitFor();
    await picture('console-load-balancers-ja');
    await page.getByRole('link', { name: 'web', exact: true }).click();
    await health('web-2:8080', 'unhealthy').getByText('異常').waitFor();
    await at('listener-add').click();
    await at('listener-port').fill('80');
    await at('form-submit').click();
    await page.getByText('別のリスナーが使っています').first().waitFor();
    refused();
    await picture('console-listener-ja');
    await page.getByRole('button', { name: 'キャンセル' }).click();
    await row('web-2:8080').getByRole('checkbox').click({ force: true });
    await at('member-drain').click();
    await at('confirm-submit').click();
    await row('web-2:8080').getByText('ドレイン中').waitFor();
    await picture('console-load-balancer-ja');
    await at('nav-vpns').click();
    await page.getByRole('link', { name: 'home', exact: true }).click();
    await at('vpn-client-add').first().click();
    await at('vpn-client-name').fill('田中のノート PC');
    await at('form-submit').click();
    await page.getByText('中の鍵が表示されるのは今回だけ').waitFor();
    await picture('console-vpn-profile-ja');
    await at('vpn-profile-kept').locator('input').check({ force: true });
    await at('vpn-profile-done').click();
    await row('田中のノート PC').waitFor();
    await picture('console-vpn-ja');
  });
  await step('and on a narrow screen', async () => {
    await page.setViewportSize({ width: 480, height: 900 });
    await page.goto(`${url}/load-balancers/create`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await picture('console-load-balancer-create-narrow-ja');
    await page.goto(`${url}/load-balancers`);
    await page.getByRole('link', { name: 'web', exact: true }).click();
    await health('web-2:8080', 'unhealthy').waitFor();
    await picture('console-load-balancer-narrow-ja');
    await row('web-2:8080').scrollIntoViewIfNeeded();
    await picture('console-members-narrow-ja');
    await page.goto(`${url}/vpns`);
    await page.getByRole('link', { name: 'home', exact: true }).click();
    await row('田中のノート PC').waitFor();
    await picture('console-vpn-narrow-ja');
    await page.setViewportSize({ width: 1440, height: 900 });
  });
  await step('delete both', async () => {
    await at('vpn-delete').click();
    await at('confirm-submit').click();
    await page.getByText('VPN ゲートウェイはありません').waitFor();
    await page.goto(`${url}/load-balancers`);
    await page.getByRole('link', { name: 'web', exact: true }).click();
    await at('balancer-delete').click();
    await at('confirm-submit').click();
    await page.getByText('ロードバランサーはありません').waitFor();
    // The event of a deletion may be there before its answer: then the page asks once more for what is gone.
    refused();
  });
  complain();
} finally {
  await close();
}
