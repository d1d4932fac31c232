// Domains, accounts, members, roles and quotas in the console: each of those who look after the other, in turn. In English and Japanese.
//   node tenancy.mjs URL PICTURES-DIRECTORY   (password of admin in KUMOI_ADMIN_PASSWORD, of everybody who is made here in KUMOI_DEMO_PASSWORD)
import { storage } from './storage.mjs';

const { page, at, row, invalid, picture, choose, logIn, step, speak, refused, complain, close, heading, operator, submit, select, named, gone, same, titled } = await storage();
const password = process.env.KUMOI_DEMO_PASSWORD;
const url = process.argv[2];
const goTo = async (nav, name) => { await at(nav).click(); await titled(name).waitFor(); };
const offered = async (...navs) => Promise.all(navs.map((nav) => at(`nav-${nav}`).count()));
const actingFor = (name) => at('account-switch').filter({ hasText: name }).first().waitFor();
const tick = (permission) => at(`permission-${permission}`).locator('input').click({ force: true });
const said = (text) => page.getByText(text).first().waitFor();
const makeUser = async (name, role) => {
  await goTo('nav-users', 'Users');
  await at('create-user').click();
  await at('user-name').fill(name);
  await at('user-password').fill(password);
  await choose('membership-role', role);
  await submit();
  await row(name).first().waitFor();
};
const makeAccount = async (name, domain) => {
  await goTo('nav-accounts', 'Accounts');
  await at('create-account').click();
  await at('account-name').fill(name);
  if (domain) await choose('account-domain', domain);
  await submit();
  await named(name).waitFor();
};
const actFor = async (name) => {
  await goTo('nav-accounts', 'Accounts');
  await select(name);
  await at('account-act-for').click();
  await actingFor(name);
};
const makeVolume = async (name) => {
  await at('create-volume').first().click();
  await at('volume-name').fill(name);
  await at('volume-size').fill('1');
  await submit();
};

try {
  await step('an administrator makes a domain and gives it into other hands', async () => {
    await operator();
    same(await offered('hosts', 'domains', 'quota-defaults', 'instances'), [1, 1, 1, 1], 'what an administrator is offered');
    await goTo('nav-domains', 'Domains');
    await at('create-domain').click();
    await at('domain-name').fill('reseller');
    await submit();
    await page.getByRole('link', { name: 'reseller', exact: true }).waitFor();
    await makeAccount('reseller-staff', 'reseller');
    await actFor('reseller-staff');
    await makeUser('yuki', 'Reader');
    await picture('console-users');
    await at('account-switch').first().click();
    await page.getByText('Back to your own account').last().click();
    await actingFor('operator');
    await goTo('nav-domains', 'Domains');
    await page.getByRole('link', { name: 'reseller', exact: true }).click();
    await at('membership-add').click();
    await at('membership-user').fill('yuki');
    await choose('membership-role', 'Domain administrator');
    await submit();
    await row('yuki').locator('[data-role="domain-administrator"]').waitFor();
    await picture('console-domain');
  });
  await step('who administers a domain makes an account with an owner and sets its limits', async () => {
    await logIn('yuki', password);
    same(await offered('domains', 'accounts', 'hosts', 'quota-defaults'), [1, 1, 0, 0], 'what the administrator of a domain is offered');
    await makeAccount('customer');
    await picture('console-accounts');
    await named('customer').getByRole('link', { name: 'customer', exact: true }).click();
    await row('Volumes').first().getByRole('radio').click({ force: true });
    await at('quota-set').click();
    await page.getByText('A limit', { exact: true }).click();
    await at('quota-limit').fill('1');
    await submit();
    await page.locator('[data-testid="quota-volumes"][data-limit="1"]').waitFor();
    await picture('console-account');
    await at('account-act-for').click();
    await actingFor('customer');
    await makeUser('kenji', 'Owner');
  });
  await step('an owner makes a role and gives it, and stays the last who can', async () => {
    await logIn('kenji', password);
    same(await offered('instances', 'members', 'roles', 'domains', 'accounts', 'hosts'), [1, 1, 1, 0, 0, 0], 'what an owner is offered');
    await goTo('nav-roles', 'Roles');
    await at('create-role').click();
    await submit();
    await invalid('role-name').waitFor();
    await said('Tick at least one permission');
    await at('role-name').fill('storage-keeper');
    for (const permission of ['volumes:*', 'pools:read', 'quotas:read', 'quota-requests:*', 'snapshots:read']) await tick(permission);
    await at('role-name').scrollIntoViewIfNeeded();
    await picture('console-role');
    await submit();
    await row('storage-keeper').first().waitFor();
    await makeUser('tanaka', 'storage-keeper');
    for (const [action, state] of [['disable', 'disabled'], ['enable', 'enabled']]) {
      if (action === 'disable') await select('tanaka');
      await at(`user-${action}`).click();
      await at('confirm-submit').click();
      await row('tanaka').locator(`[data-testid="user-state"][data-state="${state}"]`).waitFor();
    }
    await goTo('nav-members', 'Members');
    await row('tanaka').locator('[data-role="storage-keeper"]').waitFor();
    await select('kenji');
    await at('membership-change').click();
    await choose('membership-role', 'Reader');
    await submit();
    await said('Nobody would be left who can manage the members.');
    refused();
    await picture('console-last-manager');
  });
  await step('whoever has the role sees what it allows, and no more', async () => {
    await logIn('tanaka', password);
    same(await offered('volumes', 'snapshots', 'quotas', 'instances', 'networks', 'members', 'events', 'domains', 'hosts'), [1, 1, 1, 0, 0, 0, 0, 0, 0], 'what the role allows');
    await page.goto(`${url}/instances`);
    await at('not-allowed').getByText('instances:read').waitFor();
    await picture('console-not-allowed');
    // What is not allowed is not asked for either: no page is refused behind one's back.
    complain();
  });
  await step('a quota refuses, is asked for and is granted', async () => {
    await goTo('nav-volumes', 'Volumes');
    await makeVolume('first');
    await heading('first').or(named('first')).first().waitFor();
    await at('nav-volumes').click();
    await makeVolume('second');
    await said('are used, and 1 more were asked for');
    refused();
    await picture('console-quota-exceeded');
    await page.getByRole('link', { name: 'To the quotas' }).click();
    await titled('Quotas').waitFor();
    await page.locator('[data-testid="quota-volumes"][data-strain="full"]').waitFor();
    await row('Volumes').first().getByRole('radio').click({ force: true });
    await at('quota-ask').click();
    await at('ask-limit').fill('1');
    await submit();
    await invalid('ask-limit').waitFor();
    await at('ask-limit').fill('5');
    await at('ask-reason').fill('a new shop');
    await submit();
    await page.locator('[data-testid="request-state"][data-state="pending"]').waitFor();
    await picture('console-quotas');
    await logIn('yuki', password);
    await goTo('nav-quota-requests', 'Quota requests');
    await row('a new shop').getByRole('checkbox').click({ force: true });
    await at('request-grant').click();
    await at('request-answer').fill('until March');
    await picture('console-quota-request');
    await submit();
    await gone(row('a new shop'));
    await choose('requests-state', 'Granted');
    await row('until March').waitFor();
  });
  await step('another account is found among many, and one that is suspended says so', async () => {
    await at('account-switch').first().click();
    await picture('console-account-menu');
    await page.getByText('All accounts…').last().click();
    await at('account-switcher').getByRole('searchbox').or(at('account-switcher').locator('input')).first().fill('resel cust');
    await at('switch-to').filter({ hasText: 'customer' }).waitFor();
    await picture('console-switcher');
    await at('switch-to').filter({ hasText: 'customer' }).click();
    await actingFor('customer');
    await titled('Quota requests').waitFor();
    await goTo('nav-volumes', 'Volumes');
    await makeVolume('second');
    await heading('second').or(named('second')).first().waitFor();
    await goTo('nav-accounts', 'Accounts');
    await select('customer');
    await at('account-actions').getByRole('button').click();
    await page.getByRole('menuitem', { name: 'Suspend' }).click();
    await at('account-reason').fill('unpaid');
    await picture('console-suspend');
    await submit();
    await page.locator('[data-testid="account-banner"][data-state="suspended"]').getByText('unpaid').waitFor();
    await row('customer').locator('[data-testid="account-state"][data-state="suspended"]').first().waitFor();
    await logIn('tanaka', password);
    await at('account-banner').getByText('unpaid').waitFor();
    await goTo('nav-volumes', 'Volumes');
    await named('second').waitFor();
    same(await at('create-volume').first().getAttribute('aria-disabled'), 'true', 'making a volume in a suspended account');
    await picture('console-suspended');
  });
  await step('a token is made that may less than its user', async () => {
    await at('nav-access').click();
    await row('This session').waitFor();
    await picture('console-sessions');
    await at('tab-tokens').click();
    await at('create-token').click();
    await at('token-name').fill('nightly');
    await at('token-ranges').fill('203.0.113.1/24');
    await submit();
    await invalid('token-ranges').waitFor();
    await at('token-ranges').fill('203.0.113.0/24');
    await at('token-limited').locator('input').click({ force: true });
    await tick('volumes:read');
    await submit();
    await at('token-kept').locator('input').click({ force: true });
    await at('token-done').click();
    await row('nightly').getByText('203.0.113.0/24').waitFor();
    await picture('console-tokens');
  });
  await step('the same in Japanese', async () => {
    await speak('日本語');
    await row('nightly').getByText('203.0.113.0/24 からのみ').waitFor();
    await at('account-banner').getByText('理由: unpaid').waitFor();
    await picture('console-tokens-ja');
    await operator();
    await goTo('nav-domains', 'ドメイン');
    await page.getByRole('link', { name: 'reseller', exact: true }).waitFor();
    await picture('console-domains-ja');
    await goTo('nav-roles', 'ロール');
    await row('全体管理者').first().waitFor();
    complain();
  });
} finally {
  await close();
}
