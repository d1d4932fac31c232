// Volumes that were lost with a host and found again, in the console: taken back, adopted, deleted; and instances that start from volumes. In English and Japanese.
//   node recovered.mjs URL PICTURES-DIRECTORY   (password of admin in KUMOI_ADMIN_PASSWORD, of acme-admin and acme-reader in KUMOI_DEMO_PASSWORD)
// acme lost data and web-1-root with a host. That is back as host-1, with these and two more that nothing is remembered of; the last cannot be read. acme has made another data since, empty.
import { storage } from './storage.mjs';

const { page, at, row, invalid, picture, choose, step, speak, faults, refused, complain, close, heading, user, operator, submit, confirm, select, named, gone, same, disabled, goTo, titled } = await storage();
const running = () => page.locator('[data-testid="instance-state"][data-state="running"]').first().waitFor();
const takeBack = (name) => row(name).first().getByTestId('volume-recover').click();
const startVolume = () => at('launch-start').getByText('A volume that there is').click();

try {
  await step('what was found again is offered, and taken back by another name', async () => {
    await user('acme-admin');
    await at('nav-volumes').click();
    await at('volumes-found-again').getByText('found again: 2').waitFor();
    await picture('console-found-again');
    await at('volumes-found-again').getByRole('link').click();
    await titled('Recoverable volumes').waitFor();
    await row('web-1-root').waitFor();
    await picture('console-recoverable');
    await takeBack('data');
    await submit();
    // Only the server knows the other names.
    await invalid('volume-name').waitFor();
    refused();
    await at('volume-name').fill('data-again');
    await picture('console-recover');
    await submit();
    await heading('data-again').waitFor();
  });
  await step('an instance is launched from what another one started from', async () => {
    await at('nav-recoverable-volumes').click();
    await gone(row('data'));
    await takeBack('web-1-root');
    await submit();
    await heading('web-1-root').waitFor();
    await at('volume-launch').click();
    await page.getByText('It began as the image tiny').waitFor();
    same(await at('launch-image').count(), 0, 'images that are asked for');
    await at('launch-name').fill('web-9');
    await choose('launch-flavor', 'small');
    await at('launch-advanced').getByText('User data, number').click();
    await at('launch-count').fill('2');
    await at('launch-submit').click();
    await invalid('launch-count').waitFor();
    await at('launch-count').fill('1');
    await picture('console-launch-volume');
    await at('launch-submit').click();
    await heading('web-9').waitFor();
    await running();
    await at('tab-volumes').click();
    await named('web-1-root').getByText('0 (starts from it)').waitFor();
    await picture('console-instance-root');
  });
  await step('of a volume that began empty the image tells the machine', async () => {
    await at('nav-instances').click();
    await at('launch-instance').first().click();
    await startVolume();
    await at('launch-name').fill('web-8');
    await choose('launch-flavor', 'small');
    await choose('launch-root-volume', 'data-again');
    await page.getByText('The volume did not begin as an image.').waitFor();
    await at('launch-submit').click();
    await page.getByText('Choose one', { exact: true }).first().waitFor();
    await at('launch-image').getByText('tiny', { exact: true }).first().click();
    await picture('console-launch-volume-image');
    await at('launch-submit').click();
    await heading('web-8').waitFor();
    await running();
  });
  await step('an operator adopts a stray for an account, and deletes another by its id', async () => {
    await operator();
    await goTo('nav-hosts', 'host-1');
    await row('vol-19a3f2b4c5d6e0001').getByText('nothing is remembered of it').waitFor();
    await row('vol-19a3f2b4c5d6e0002').getByText('cannot be read').waitFor();
    await at('stray-adopt').scrollIntoViewIfNeeded();
    await row('vol-19a3f2b4c5d6e0002').scrollIntoViewIfNeeded();
    await picture('console-strays');
    await select('vol-19a3f2b4c5d6e0002', 'radio');
    same(await disabled('stray-adopt', 'stray-delete'), [true, false], 'what can be done with one that cannot be read');
    await at('stray-delete').click();
    same(await disabled('confirm-submit'), [true], 'that its id is asked for');
    await at('confirm-text').fill('vol-19a3f2b4c5d6e0002');
    await picture('console-stray-delete');
    await confirm();
    await gone(row('vol-19a3f2b4c5d6e0002'));
    await select('vol-19a3f2b4c5d6e0001', 'radio');
    await at('stray-adopt').click();
    await choose('stray-account', 'acme');
    await at('stray-name').fill('found');
    await picture('console-stray-adopt');
    await submit();
    await gone(row('vol-19a3f2b4c5d6e0001'));
    await page.getByText('No volumes without a record').waitFor();
  });
  await step('a reader looks, and changes nothing', async () => {
    await user('acme-reader');
    await at('nav-recoverable-volumes').click();
    await page.getByText('Nothing to take back').waitFor();
    await goTo('nav-volumes', 'found');
    same(await disabled('volume-launch', 'volume-image'), [true, true], 'buttons that are disabled');
  });
  await step('the same in Japanese', async () => {
    await user('acme-admin');
    await speak('日本語');
    await at('nav-recoverable-volumes').click();
    await page.getByText('取り戻せるボリュームはありません').waitFor();
    await picture('console-recoverable-ja');
    await goTo('nav-volumes', 'found');
    await picture('console-volume-ja');
    await at('volume-launch').click();
    await page.getByText('イメージから直接作られたボリュームではありません').waitFor();
    await picture('console-launch-volume-ja');
    await operator();
    await goTo('nav-hosts', 'host-1');
    await page.getByText('記録のないボリュームはありません').waitFor();
    await picture('console-strays-ja');
  });
  faults.splice(0, faults.length, ...faults.filter((fault) => !/status of 404/.test(fault)));
  complain();
} finally {
  await close();
}
